# tests/credential: tests of core/credential
check_PROGRAMS += test_broker
test_broker_SOURCES = tests/credential/test_broker.c
test_broker_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_broker_LDADD = libcredential.la libjwt.la libnet.la libconfig.la libbase.la $(CURL_LIBS) \
                    $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm
check_PROGRAMS += test_vault
test_vault_SOURCES = tests/credential/test_vault.c
test_vault_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_vault_LDADD = $(test_broker_LDADD)
EXTRA_DIST += tests/support/peer.h
check_PROGRAMS += test_eviction
test_eviction_SOURCES = tests/credential/test_eviction.c
test_eviction_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_eviction_LDADD = $(test_broker_LDADD)
EXTRA_DIST += tests/support/provider.h
check_PROGRAMS += test_bound_token
test_bound_token_SOURCES = tests/credential/test_bound_token.c
test_bound_token_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_bound_token_LDADD = $(test_broker_LDADD)
check_PROGRAMS += test_several_providers
test_several_providers_SOURCES = tests/credential/test_several_providers.c
test_several_providers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_several_providers_LDADD = $(test_broker_LDADD)
check_PROGRAMS += test_users
test_users_SOURCES = tests/credential/test_users.c
test_users_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_users_LDADD = $(test_broker_LDADD)
