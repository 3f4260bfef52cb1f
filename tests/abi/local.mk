# tests/abi: the plugin contract stays what it is
EXTRA_DIST += tests/abi/check.sh tests/abi/probe.c tests/abi/layout.c tests/abi/sesame-1.abi

.PHONY: abi-check abi-baseline
abi-check: all
	$(top_srcdir)/tests/abi/check.sh $(top_srcdir) $(top_builddir)

# Only while the contract is a draft.
abi-baseline:
	$(top_srcdir)/tests/abi/check.sh $(top_srcdir) $(top_builddir) baseline
