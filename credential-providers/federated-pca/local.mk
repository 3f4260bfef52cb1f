# credential-providers/federated-pca: an X.509 certificate of a private CA
pkglib_LTLIBRARIES += federated-pca.la
federated_pca_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
federated_pca_la_SOURCES = credential-providers/federated-pca/plugin.c
federated_pca_la_LDFLAGS = $(LDFLAGS_PLUGIN)
federated_pca_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/federated-pca/federated-pca.json
EXTRA_DIST += credential-providers/federated-pca/README.md
