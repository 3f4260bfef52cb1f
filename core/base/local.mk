# core/base: what everything else stands on
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
    core/base/buffer.c core/base/buffer.h \
    core/base/cleanup.h \
    core/base/clock.c core/base/clock.h \
    core/base/encoding.c \
    core/base/error.c core/base/error.h \
    core/base/json.h core/base/json_build.c core/base/json_check.c core/base/json_find.c core/base/json_tree.c core/base/json_write.c \
    core/base/json_scan.h \
    core/base/json_schema.c core/base/json_schema.h core/base/json_schema_adapt.c \
    core/base/json_schema_check.c core/base/json_schema_pattern.c \
    core/base/json_schema_private.h \
    core/base/log.c core/base/log.h core/base/log_ring.c core/base/log_ring.h \
    core/base/program.c core/base/program.h \
    core/base/random.c \
    core/base/secret.c core/base/secret.h core/base/secret_arena.c core/base/secret_arena.h \
    core/base/secret_environment.c \
    core/base/spawn.c core/base/spawn.h \
    core/base/start_pages.c core/base/start_pages.h \
    core/base/text.c core/base/text.h core/base/text_clean.c core/base/text_clean.h \
    core/base/wipe_alloc.c core/base/wipe_alloc.h core/base/wipe_install.c
