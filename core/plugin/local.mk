# core/plugin: plugins found, loaded, served and kept within bounds
noinst_LTLIBRARIES += libplugin.la
libplugin_la_SOURCES = \
    core/plugin/catalogue.c core/plugin/catalogue.h \
    core/plugin/descriptor.c core/plugin/descriptor.h \
    core/plugin/engine_set.c core/plugin/engine_set.h \
    core/plugin/granted_program.c core/plugin/granted_program.h \
    core/plugin/handles.c core/plugin/handles.h \
    core/plugin/instance.c core/plugin/instance.h core/plugin/instance_new.c \
    core/plugin/library.c core/plugin/library.h core/plugin/library_check.c core/plugin/manifest.c \
    core/plugin/mapped_file.c core/plugin/mapped_file.h \
    core/plugin/plugin_call.c core/plugin/plugin_call.h \
    core/plugin/plugin_config.c core/plugin/plugin_config.h core/plugin/plugin_host.h \
    core/plugin/plugin_thread.c core/plugin/plugin_thread.h \
    core/plugin/provider_engine.c core/plugin/provider_engine.h \
    core/plugin/process_child.c core/plugin/process_child.h \
    core/plugin/process_frames.c core/plugin/process_http.c core/plugin/process_program.c \
    core/plugin/process_library.c core/plugin/process_library.h \
    core/plugin/process_proxy.c core/plugin/process_proxy.h \
    core/plugin/program_run.c core/plugin/program_run.h \
    core/plugin/provider_port.c core/plugin/provider_port.h \
    core/plugin/provider_thread.c core/plugin/provider_thread.h \
    core/plugin/request_body.c core/plugin/request_body.h \
    core/plugin/service_basic.c core/plugin/service_http.c core/plugin/service_json.c \
    core/plugin/service_loop.c core/plugin/service_program.c core/plugin/service_secret.c core/plugin/service_sign.c core/plugin/service_time.c \
    core/plugin/tool_engine.c core/plugin/tool_engine.h \
    core/plugin/tool_functions.c core/plugin/tool_functions.h \
    core/plugin/tool_host.c core/plugin/tool_host.h \
    core/plugin/tool_port.c core/plugin/tool_port.h \
    core/plugin/tool_result.c core/plugin/tool_result.h \
    core/plugin/tool_thread.c core/plugin/tool_thread.h \
    core/plugin/trust.c core/plugin/trust.h \
    core/plugin/wire.c core/plugin/wire.h
