# tests/local-cloud: tests of the offline stand-in, without sockets
LOCAL_CLOUD_TEST_LIBS = liblocalcloud.la libjwt.la libnet.la libbase.la $(CURL_LIBS) \
                        $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm
check_PROGRAMS += test_options test_client_auth test_openapi test_signatures test_token_exchange test_token_endpoint test_resources test_services
test_client_auth_SOURCES = tests/local-cloud/test_client_auth.c
test_client_auth_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_client_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_client_auth_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_token_exchange_SOURCES = tests/local-cloud/test_token_exchange.c
test_token_exchange_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_token_exchange_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_token_exchange_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_signatures_SOURCES = tests/local-cloud/test_signatures.c
test_signatures_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_signatures_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_signatures_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_openapi_SOURCES = tests/local-cloud/test_openapi.c
test_openapi_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_openapi_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_openapi_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_options_SOURCES = tests/local-cloud/test_options.c
test_options_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_options_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_token_endpoint_SOURCES = tests/local-cloud/test_token_endpoint.c
test_token_endpoint_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_token_endpoint_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_token_endpoint_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_resources_SOURCES = tests/local-cloud/test_resources.c
test_resources_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_resources_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_resources_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
test_services_SOURCES = tests/local-cloud/test_services.c
test_services_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_services_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_services_LDADD = $(LOCAL_CLOUD_TEST_LIBS)
EXTRA_DIST += tests/local-cloud/captured.h tests/local-cloud/world.h tests/vectors/idaas-requests.json \
              tests/vectors/idaas-developerapi-requests.json tests/vectors/alibaba-acs3.json tests/vectors/alibaba-credential-chain.json tests/vectors/alibaba-generate-oauth-token.json
EXTRA_DIST += tests/e2e/local-cloud/alibaba.test.mjs tests/e2e/local-cloud/alibaba_client.cjs tests/e2e/local-cloud/redirect.cjs tests/e2e/local-cloud/vendor.mjs tests/e2e/local-cloud/developer_api.test.mjs tests/e2e/local-cloud/captures.test.mjs tests/e2e/local-cloud/amap.test.mjs tests/e2e/local-cloud/model_quirks.test.mjs tests/e2e/local-cloud/switches.test.mjs tests/e2e/local-cloud/pages.test.mjs
EXTRA_DIST += tests/e2e/local-cloud/client_auth.test.mjs
EXTRA_DIST += tests/e2e/local-cloud/local_cloud.test.mjs tests/e2e/local-cloud/stand_in.mjs \
              tests/e2e/local-cloud/package.json tests/e2e/local-cloud/package-lock.json
check_PROGRAMS += test_journey
test_journey_SOURCES = tests/local-cloud/test_journey.c
test_journey_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_journey_LDADD = libjwt.la libnet.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) \
                     $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm
