# core/net: event loop, HTTP both ways, server-sent events
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
    core/net/http_fields.c core/net/http_fields.h \
    core/net/http_parser.c core/net/http_parser.h \
    core/net/loop.c core/net/loop.h \
    core/net/sse.c core/net/sse.h
