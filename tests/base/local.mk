# tests/base: tests of core/base
BASE_TEST_LIBS = libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread

check_PROGRAMS += test_json test_json_schema test_text test_secret test_log test_spawn
test_json_SOURCES = tests/base/test_json.c
test_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_json_LDADD = $(BASE_TEST_LIBS)
test_json_schema_SOURCES = tests/base/test_json_schema.c
test_json_schema_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_json_schema_LDADD = $(BASE_TEST_LIBS)
test_text_SOURCES = tests/base/test_text.c
test_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_text_LDADD = $(BASE_TEST_LIBS)
test_secret_SOURCES = tests/base/test_secret.c
test_secret_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_secret_LDADD = $(BASE_TEST_LIBS)
test_log_SOURCES = tests/base/test_log.c
test_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_log_LDADD = $(BASE_TEST_LIBS)
test_spawn_SOURCES = tests/base/test_spawn.c
test_spawn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_spawn_LDADD = $(BASE_TEST_LIBS)
EXTRA_DIST += tests/support/run.h
check_PROGRAMS += test_program
test_program_SOURCES = tests/base/test_program.c
test_program_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_program_LDADD = $(BASE_TEST_LIBS)
