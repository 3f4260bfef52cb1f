# doc: its part of the build, and the packages for deployment
EXTRA_DIST += doc/abi-policy.md doc/agentrun.md doc/deploy/Dockerfile doc/deploy/bootstrap doc/deploy/kubernetes.yaml \
    doc/deploy/make-zip.sh doc/deploy/sesame.service tests/deploy/check.py

# The reference is committed, so that a build needs no Python; lint says when it is out of date.
EXTRA_DIST += doc/plugin-guide.md doc/plugin-reference.md doc/reference.py
.PHONY: reference
reference:
	$(top_srcdir)/doc/reference.py $(top_srcdir)

dist_man_MANS = doc/man/sesame.1 doc/man/sesame.json.5 doc/man/sesame-plugin.7

# The package for AgentRun and Function Compute; IDAAS_CONFIG and HOST_CONFIG name files to put into it.
agentrun-zip: all
	$(top_srcdir)/doc/deploy/make-zip.sh $(top_srcdir) $(top_builddir) sesame-agentrun.zip "$(IDAAS_CONFIG)" "$(HOST_CONFIG)"
.PHONY: agentrun-zip
CLEANFILES += sesame-agentrun.zip
