# tests/net: tests of core/net
NET_TEST_LIBS = libnet.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) \
                $(CHECK_LIBS) -lpthread

check_PROGRAMS += test_loop test_sse test_http_client test_http_cut test_http_parser test_http_server
test_loop_SOURCES = tests/net/test_loop.c
test_loop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_loop_LDADD = $(NET_TEST_LIBS)
test_sse_SOURCES = tests/net/test_sse.c
test_sse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sse_LDADD = $(NET_TEST_LIBS)
test_http_cut_SOURCES = tests/net/test_http_cut.c
test_http_cut_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_http_cut_LDADD = $(NET_TEST_LIBS)
test_http_parser_SOURCES = tests/net/test_http_parser.c
test_http_parser_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_http_parser_LDADD = $(NET_TEST_LIBS)
test_http_server_SOURCES = tests/net/test_http_server.c
test_http_server_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_http_server_LDADD = $(NET_TEST_LIBS)
test_http_client_SOURCES = tests/net/test_http_client.c
test_http_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_http_client_LDADD = $(NET_TEST_LIBS)
check_PROGRAMS += test_client_certificate
test_client_certificate_SOURCES = tests/net/test_client_certificate.c
test_client_certificate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_client_certificate_LDADD = $(NET_TEST_LIBS)
EXTRA_DIST += tests/support/tls.h tests/support/tls_peer.h
