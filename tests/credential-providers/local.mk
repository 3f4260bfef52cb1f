# tests/credential-providers: each provider, loaded as the host loads it, against captures
PROVIDER_TEST_SOURCES = \
    tests/credential-providers/bench.c \
    tests/credential-providers/bench.h \
    tests/credential-providers/captures.c \
    tests/credential-providers/captures.h \
    tests/credential-providers/jws_check.c \
    tests/credential-providers/jws_check.h
PROVIDER_TEST_LIBS = libplugin.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la \
                     $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -ldl -lpthread

check_PROGRAMS += test_client_secret test_private_key_jwt test_token_answers
test_client_secret_SOURCES = tests/credential-providers/test_client_secret.c $(PROVIDER_TEST_SOURCES)
test_client_secret_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_client_secret_LDADD = $(PROVIDER_TEST_LIBS)
test_private_key_jwt_SOURCES = tests/credential-providers/test_private_key_jwt.c \
    $(PROVIDER_TEST_SOURCES)
test_private_key_jwt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_private_key_jwt_LDADD = $(PROVIDER_TEST_LIBS)
test_token_answers_SOURCES = tests/credential-providers/test_token_answers.c $(PROVIDER_TEST_SOURCES)
test_token_answers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_token_answers_LDADD = $(PROVIDER_TEST_LIBS)
EXTRA_DIST += tests/vectors/idaas-token-responses.json
