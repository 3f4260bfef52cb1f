# core/net: event loop, HTTP both ways, server-sent events
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
    core/net/http_call.c core/net/http_call.h \
    core/net/http_client.c core/net/http_client.h \
    core/net/http_connection.c core/net/http_connection.h \
    core/net/http_exchange.c \
    core/net/http_fields.c core/net/http_fields.h \
    core/net/http_listener.c \
    core/net/http_parser.c core/net/http_parser.h \
    core/net/http_server.h \
    core/net/loop.c core/net/loop.h \
    core/net/origin_nonces.c core/net/origin_nonces.h \
    core/net/sse.c core/net/sse.h \
    core/net/stream.c core/net/stream.h \
    core/net/tls_client_key.c core/net/tls_client_key.h \
    core/net/tls_trust.c core/net/tls_trust.h \
    core/net/url.c
