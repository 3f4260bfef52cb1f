# tests/plugin: tests of core/plugin with the fixtures
check_PROGRAMS += test_tools
test_tools_SOURCES = tests/plugin/test_tools.c
test_tools_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_tools_LDADD = libplugin.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la \
                   $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -ldl -lpthread
check_PROGRAMS += test_providers
test_providers_SOURCES = tests/plugin/test_providers.c
test_providers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_providers_LDADD = $(test_tools_LDADD)
check_PROGRAMS += test_trust
test_trust_SOURCES = tests/plugin/test_trust.c
test_trust_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_trust_LDADD = $(test_tools_LDADD)
check_PROGRAMS += test_tool_users
test_tool_users_SOURCES = tests/plugin/test_tool_users.c
test_tool_users_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_tool_users_LDADD = $(test_tools_LDADD)
check_PROGRAMS += test_provider_grants
test_provider_grants_SOURCES = tests/plugin/test_provider_grants.c
test_provider_grants_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_provider_grants_LDADD = $(test_tools_LDADD)
check_PROGRAMS += test_mapped_file
test_mapped_file_SOURCES = tests/plugin/test_mapped_file.c
test_mapped_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mapped_file_LDADD = $(test_tools_LDADD)
