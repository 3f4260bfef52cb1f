# tests/model: tests of core/model
MODEL_TEST_LIBS = libmodel.la libnet.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) \
                  $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread

check_PROGRAMS += test_chat_stream test_chat_client
test_chat_stream_SOURCES = tests/model/test_chat_stream.c
test_chat_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_chat_stream_LDADD = $(MODEL_TEST_LIBS)
test_chat_client_SOURCES = tests/model/test_chat_client.c
test_chat_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_chat_client_LDADD = libmodel.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la \
                         $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm
