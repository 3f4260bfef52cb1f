# tests/server: tests of core/server
SERVER_TEST_LIBS = libserver.la libagent.la libplugin.la libmodel.la libcredential.la libjwt.la \
    libnet.la libconfig.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) \
    $(CHECK_LIBS) -ldl -lpthread
check_PROGRAMS += test_chat_input test_gate
test_chat_input_SOURCES = tests/server/test_chat_input.c
test_chat_input_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_chat_input_LDADD = $(SERVER_TEST_LIBS)
test_gate_SOURCES = tests/server/test_gate.c
test_gate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_gate_LDADD = $(SERVER_TEST_LIBS)
check_PROGRAMS += test_platform
test_platform_SOURCES = tests/server/test_platform.c
test_platform_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_platform_LDADD = $(SERVER_TEST_LIBS)
check_PROGRAMS += test_ready
test_ready_SOURCES = tests/server/test_ready.c
test_ready_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_ready_LDADD = $(SERVER_TEST_LIBS)
