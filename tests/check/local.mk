# tests/check: the conformance checker, against plugins that are bad in one way each
CHECK_EXAMPLES = tests/check/examples/alibaba-cloud.json tests/check/examples/client-secret.json \
                 tests/check/examples/command.json tests/check/examples/time.json \
                 tests/check/examples/enterprise-service.json tests/check/examples/federated-oidc.json \
                 tests/check/examples/federated-pca.json tests/check/examples/federated-pkcs7.json \
                 tests/check/examples/file.json tests/check/examples/http-json.json \
                 tests/check/examples/mcp.json tests/check/examples/oauth2.json \
                 tests/check/examples/private-key-jwt.json
EXTRA_DIST += tests/check/bad_plugin.c tests/check/build.sh tests/check/check_run.h $(CHECK_EXAMPLES)
check_DATA += check/stamp
check/stamp: tests/check/bad_plugin.c tests/check/build.sh
	$(AM_V_GEN)$(top_srcdir)/tests/check/build.sh $(top_srcdir) check $(CC)
	@touch $@
CLEANFILES += check/*/bad.so check/*/bad.json check/stamp

CHECK_TEST_LIBS = libcheck.la $(test_tools_LDADD)
check_PROGRAMS += test_check_bad test_check_good test_check_parts
test_check_bad_SOURCES = tests/check/test_check_bad.c
test_check_bad_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_check_bad_LDADD = $(CHECK_TEST_LIBS)
test_check_good_SOURCES = tests/check/test_check_good.c
test_check_good_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_check_good_LDADD = $(CHECK_TEST_LIBS)
test_check_parts_SOURCES = tests/check/test_check_parts.c
test_check_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_check_parts_LDADD = $(CHECK_TEST_LIBS)
