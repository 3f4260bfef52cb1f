# tests/credential-providers: each provider, loaded as the host loads it, against captures
check_LTLIBRARIES += libproviderbench.la
libproviderbench_la_SOURCES = \
    tests/credential-providers/bench.c \
    tests/credential-providers/bench.h \
    tests/credential-providers/captures.c \
    tests/credential-providers/captures.h \
    tests/credential-providers/jws_check.c \
    tests/credential-providers/jws_check.h
libproviderbench_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
PROVIDER_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
PROVIDER_TEST_LIBS = libproviderbench.la \
                     libplugin.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la \
                     $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -ldl -lpthread

check_PROGRAMS += test_client_secret test_federated_oidc test_federated_pca test_federated_pkcs7 \
    test_private_key_jwt test_token_answers
test_client_secret_SOURCES = tests/credential-providers/test_client_secret.c
test_client_secret_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_client_secret_LDADD = $(PROVIDER_TEST_LIBS)
test_federated_oidc_SOURCES = tests/credential-providers/test_federated_oidc.c
test_federated_oidc_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_federated_oidc_LDADD = $(PROVIDER_TEST_LIBS)
test_federated_pca_SOURCES = tests/credential-providers/test_federated_pca.c
test_federated_pca_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_federated_pca_LDADD = $(PROVIDER_TEST_LIBS)
test_federated_pkcs7_SOURCES = tests/credential-providers/test_federated_pkcs7.c
test_federated_pkcs7_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_federated_pkcs7_LDADD = $(PROVIDER_TEST_LIBS)
test_private_key_jwt_SOURCES = tests/credential-providers/test_private_key_jwt.c
test_private_key_jwt_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_private_key_jwt_LDADD = $(PROVIDER_TEST_LIBS)
test_token_answers_SOURCES = tests/credential-providers/test_token_answers.c
test_token_answers_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_token_answers_LDADD = $(PROVIDER_TEST_LIBS)
EXTRA_DIST += tests/vectors/idaas-token-responses.json

ALIBABA_TEST_SOURCES = \
    tests/credential-providers/alibaba_bench.c \
    tests/credential-providers/alibaba_bench.h
check_PROGRAMS += test_alibaba_acs3 test_alibaba_token test_alibaba_chain \
                  test_alibaba_renewal test_alibaba_external
test_alibaba_acs3_SOURCES = tests/credential-providers/test_alibaba_acs3.c $(ALIBABA_TEST_SOURCES)
test_alibaba_acs3_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
test_alibaba_acs3_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_alibaba_acs3_LDADD = libalibabacloud.la $(PROVIDER_TEST_LIBS)
test_alibaba_token_SOURCES = tests/credential-providers/test_alibaba_token.c $(ALIBABA_TEST_SOURCES)
test_alibaba_token_CPPFLAGS = $(test_alibaba_acs3_CPPFLAGS)
test_alibaba_token_CFLAGS = $(test_alibaba_acs3_CFLAGS)
test_alibaba_token_LDADD = $(test_alibaba_acs3_LDADD)
test_alibaba_chain_SOURCES = tests/credential-providers/test_alibaba_chain.c $(ALIBABA_TEST_SOURCES)
test_alibaba_chain_CPPFLAGS = $(test_alibaba_acs3_CPPFLAGS)
test_alibaba_chain_CFLAGS = $(test_alibaba_acs3_CFLAGS)
test_alibaba_chain_LDADD = $(test_alibaba_acs3_LDADD)
test_alibaba_renewal_SOURCES = tests/credential-providers/test_alibaba_renewal.c $(ALIBABA_TEST_SOURCES)
test_alibaba_renewal_CPPFLAGS = $(test_alibaba_acs3_CPPFLAGS)
test_alibaba_renewal_CFLAGS = $(test_alibaba_acs3_CFLAGS)
test_alibaba_renewal_LDADD = $(test_alibaba_acs3_LDADD)
test_alibaba_external_SOURCES = tests/credential-providers/test_alibaba_external.c $(ALIBABA_TEST_SOURCES)
test_alibaba_external_CPPFLAGS = $(test_alibaba_acs3_CPPFLAGS)
test_alibaba_external_CFLAGS = $(test_alibaba_acs3_CFLAGS)
test_alibaba_external_LDADD = $(test_alibaba_acs3_LDADD)
EXTRA_DIST += tests/vectors/alibaba-acs3.json tests/vectors/alibaba-credential-chain.json \
              tests/vectors/alibaba-generate-oauth-token.json

check_PROGRAMS += test_file test_oauth2 test_oauth2_certificate test_oauth2_metadata
test_oauth2_certificate_SOURCES = tests/credential-providers/test_oauth2_certificate.c
test_oauth2_certificate_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_oauth2_certificate_LDADD = $(PROVIDER_TEST_LIBS)
test_file_SOURCES = tests/credential-providers/test_file.c
test_file_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_file_LDADD = $(PROVIDER_TEST_LIBS)
test_oauth2_SOURCES = tests/credential-providers/test_oauth2.c
test_oauth2_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_oauth2_LDADD = $(PROVIDER_TEST_LIBS)
test_oauth2_metadata_SOURCES = tests/credential-providers/test_oauth2_metadata.c
test_oauth2_metadata_CFLAGS = $(PROVIDER_TEST_CFLAGS)
test_oauth2_metadata_LDADD = $(PROVIDER_TEST_LIBS)
