# credential-providers/federated-oidc: the OIDC token of a Kubernetes service account
pkglib_LTLIBRARIES += federated-oidc.la
federated_oidc_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
federated_oidc_la_SOURCES = credential-providers/federated-oidc/plugin.c
federated_oidc_la_LDFLAGS = $(LDFLAGS_PLUGIN)
federated_oidc_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/federated-oidc/federated-oidc.json
EXTRA_DIST += credential-providers/federated-oidc/README.md
