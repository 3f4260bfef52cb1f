# core/cli: the program
bin_PROGRAMS += sesame
sesame_SOURCES = \
    core/cli/command.c core/cli/command.h \
    core/cli/config_command.c \
    core/cli/demo.c \
    core/cli/doctor.c core/cli/doctor.h core/cli/doctor_machine.c core/cli/doctor_online.c core/cli/doctor_report.c \
    core/cli/generation.c core/cli/generation.h \
    core/cli/host.c core/cli/host.h \
    core/cli/locate.c core/cli/locate.h \
    core/cli/main.c \
    core/cli/notify.c core/cli/notify.h \
    core/cli/plugin_check_command.c core/cli/plugin_command.c \
    core/cli/plugin_folder.c core/cli/plugin_folder.h \
    core/cli/plugin_list.c core/cli/plugin_list.h \
    core/cli/plugin_metrics.c core/cli/plugin_metrics.h \
    core/cli/plugin_new.c \
    core/cli/plugin_show.c core/cli/plugin_show.h \
    core/cli/plugin_trust_command.c \
    core/cli/provider_config.c core/cli/provider_config.h \
    core/cli/provider_set.c core/cli/provider_set.h \
    core/cli/reload.c core/cli/reload.h \
    core/cli/serve.c \
    core/cli/setup.c core/cli/setup.h \
    core/cli/session.c core/cli/session.h \
    core/cli/token_command.c \
    core/cli/tool_command.c \
    core/cli/tool_host_set.c core/cli/tool_host_set.h \
    core/cli/worker.c core/cli/worker.h
sesame_LDADD = libserver.la libagent.la libcheck.la libplugin.la libmodel.la libcredential.la libjwt.la \
    libnet.la libconfig.la libbase.la \
    $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) -ldl -lpthread

# So that the program runs from the build tree: plugins and page where it looks first. The manifests
# are copied, with the mode that installing gives them: one that others can write is refused.
all-local: build-tree
build-tree: $(pkglib_LTLIBRARIES) $(rustplugin_DATA)
	@$(MKDIR_P) sesame-plugins
	@for module in $(pkglib_LTLIBRARIES); do \
	    ln -sf ../.libs/`basename $$module .la`.so sesame-plugins/; done
	@for library in $(rustplugin_DATA); do ln -sf ../$$library sesame-plugins/; done
	@for manifest in $(dist_manifest_DATA); do \
	    rm -f sesame-plugins/`basename $$manifest`; \
	    $(INSTALL_DATA) $(top_srcdir)/$$manifest sesame-plugins/; done
	@rm -f sesame-web; ln -sf $(abs_top_srcdir)/web sesame-web
	@rm -f sesame-template; ln -sf $(abs_top_srcdir)/plugins/template sesame-template
.PHONY: build-tree
clean-local:
	rm -rf sesame-plugins sesame-web sesame-template
