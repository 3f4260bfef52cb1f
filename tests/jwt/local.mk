# tests/jwt: tests of core/jwt
JWT_TEST_LIBS = libjwt.la libnet.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) \
                $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm

check_PROGRAMS += test_access_token test_jwks_cache test_jws
test_access_token_SOURCES = tests/jwt/test_access_token.c
test_access_token_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_access_token_LDADD = $(JWT_TEST_LIBS)
test_jws_SOURCES = tests/jwt/test_jws.c
test_jws_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_jws_LDADD = $(JWT_TEST_LIBS)
check_PROGRAMS += test_dpop
test_dpop_SOURCES = tests/jwt/test_dpop.c
test_dpop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_dpop_LDADD = $(JWT_TEST_LIBS)
EXTRA_DIST += tests/support/proof.h tests/vectors/dpop-rfc9449.json
EXTRA_DIST += tests/support/files.h tests/vectors/README.md tests/vectors/jwt-inbound.json
test_jwks_cache_SOURCES = tests/jwt/test_jwks_cache.c
test_jwks_cache_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_jwks_cache_LDADD = $(JWT_TEST_LIBS)
