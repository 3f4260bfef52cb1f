# credential-providers/client-secret: a client secret against the IDaaS token endpoint
pkglib_LTLIBRARIES += client-secret.la
client_secret_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
client_secret_la_SOURCES = credential-providers/client-secret/plugin.c
client_secret_la_LDFLAGS = $(LDFLAGS_PLUGIN)
client_secret_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/client-secret/client-secret.json
EXTRA_DIST += credential-providers/client-secret/README.md
