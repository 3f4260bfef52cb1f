# tests/agent: the turn with a scripted model and scripted tools
check_PROGRAMS += test_turn test_history
test_turn_SOURCES = tests/agent/test_turn.c tests/agent/turn_bench.h
test_turn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_turn_LDADD = libagent.la libmodel.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la $(CURL_LIBS) \
                  $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread
check_PROGRAMS += test_turn_limits
test_turn_limits_SOURCES = tests/agent/test_turn_limits.c tests/agent/turn_bench.h
test_turn_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_turn_limits_LDADD = $(test_turn_LDADD)
test_history_SOURCES = tests/agent/test_history.c
test_history_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_history_LDADD = $(test_turn_LDADD)
check_PROGRAMS += test_consent
test_consent_SOURCES = tests/agent/test_consent.c
test_consent_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_consent_LDADD = $(test_turn_LDADD)
