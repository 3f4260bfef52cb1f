# core/server: what clients see
noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES = \
    core/server/audit.c core/server/audit.h \
    core/server/chat_endpoint.c core/server/chat_endpoint.h \
    core/server/chat_input.c core/server/chat_input.h \
    core/server/chat_writer.c core/server/chat_writer.h \
    core/server/cors.c core/server/cors.h \
    core/server/gate.c core/server/gate.h \
    core/server/metrics.c core/server/metrics.h \
    core/server/metrics_pool.c core/server/metrics_pool.h \
    core/server/page.c core/server/page.h \
    core/server/platform.c core/server/platform.h \
    core/server/ready.c core/server/ready.h \
    core/server/ready_cause.c core/server/ready_cause.h \
    core/server/reply.c core/server/reply.h \
    core/server/routes.c core/server/routes.h
