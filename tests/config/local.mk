# tests/config: tests of core/config
CONFIG_TEST_LIBS = libconfig.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) \
                   $(CHECK_LIBS) -lpthread

check_PROGRAMS += test_idaas_certificates test_idaas_vectors test_host_config
test_idaas_certificates_SOURCES = tests/config/test_idaas_certificates.c
test_idaas_certificates_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_idaas_certificates_LDADD = $(CONFIG_TEST_LIBS)
test_idaas_vectors_SOURCES = tests/config/test_idaas_vectors.c
test_idaas_vectors_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_idaas_vectors_LDADD = $(CONFIG_TEST_LIBS)
EXTRA_DIST += tests/vectors/idaas-config-cases.json tests/vectors/idaas-scope-endpoint.json
test_host_config_SOURCES = tests/config/test_host_config.c
test_host_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_host_config_LDADD = $(CONFIG_TEST_LIBS)
check_PROGRAMS += test_manual
test_manual_SOURCES = tests/config/test_manual.c
test_manual_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_manual_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=place_check_keys
test_manual_LDADD = $(CONFIG_TEST_LIBS)
