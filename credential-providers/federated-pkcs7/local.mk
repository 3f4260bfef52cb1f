# credential-providers/federated-pkcs7: the identity document of an Alibaba Cloud machine
pkglib_LTLIBRARIES += federated-pkcs7.la
federated_pkcs7_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
federated_pkcs7_la_SOURCES = \
    credential-providers/federated-pkcs7/attested_document.c \
    credential-providers/federated-pkcs7/federated_pkcs7.h \
    credential-providers/federated-pkcs7/plugin.c
federated_pkcs7_la_LDFLAGS = $(LDFLAGS_PLUGIN)
federated_pkcs7_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/federated-pkcs7/federated-pkcs7.json
EXTRA_DIST += credential-providers/federated-pkcs7/README.md
