# core/check: the conformance checker for plugins
noinst_LTLIBRARIES += libcheck.la
libcheck_la_SOURCES = \
    core/check/bench.c core/check/bench.h core/check/bench_private.h \
    core/check/bench_config.c core/check/bench_run.c \
    core/check/check.c core/check/check.h \
    core/check/elf_file.c core/check/elf_file.h \
    core/check/example.c core/check/example.h \
    core/check/group_call.c core/check/group_cancel.c core/check/group_config.c \
    core/check/group_descriptor.c core/check/group_elf.c core/check/group_file.c \
    core/check/group_http.c core/check/group_instance.c core/check/group_list.c \
    core/check/group_load.c core/check/group_manifest.c core/check/group_placement.c \
    core/check/group_secret.c core/check/group_token.c \
    core/check/guarded.c core/check/guarded.h \
    core/check/loaded.c core/check/loaded.h \
    core/check/peer.c core/check/peer.h \
    core/check/probe.c core/check/probe.h core/check/probe_http.c core/check/probe_private.h \
    core/check/process_state.c core/check/process_state.h \
    core/check/report.c core/check/report.h \
    core/check/runner.c core/check/runner.h \
    core/check/sample.c core/check/sample.h core/check/sample_invalid.c \
    core/check/words.c core/check/words.h
