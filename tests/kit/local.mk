# tests/kit: what plugin authors get, used as they use it
KIT_TEST_LIBS = libsesame-plugin-test.a $(JSON_LIBS) $(CRYPTO_LIBS) -lpthread $(CHECK_LIBS)
check_PROGRAMS += test_plugin_test test_plugin_test_faults test_plugin_test_http test_plugin_test_real \
                  test_plugin_test_services test_simple_tool \
                  test_plugin_new
test_plugin_test_SOURCES = tests/kit/test_plugin_test.c tests/kit/scripted_plugin.h
test_plugin_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_test_LDADD = $(KIT_TEST_LIBS)
test_plugin_test_faults_SOURCES = tests/kit/test_plugin_test_faults.c
test_plugin_test_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_test_faults_LDADD = $(KIT_TEST_LIBS)
test_plugin_test_http_SOURCES = tests/kit/test_plugin_test_http.c
test_plugin_test_http_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_test_http_LDADD = $(KIT_TEST_LIBS)
test_plugin_test_real_SOURCES = tests/kit/test_plugin_test_real.c
test_plugin_test_real_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_test_real_LDADD = $(KIT_TEST_LIBS)
test_plugin_test_services_SOURCES = tests/kit/test_plugin_test_services.c
test_plugin_test_services_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_test_services_LDADD = $(KIT_TEST_LIBS)
test_simple_tool_SOURCES = tests/kit/test_simple_tool.c
test_simple_tool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_simple_tool_LDADD = $(KIT_TEST_LIBS)
test_plugin_new_SOURCES = tests/kit/test_plugin_new.c
test_plugin_new_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_plugin_new_LDADD = $(CHECK_LIBS)

EXTRA_DIST += tests/kit/installed.sh tests/kit/tutorial.py
