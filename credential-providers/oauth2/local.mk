# credential-providers/oauth2: any OAuth 2.0 server
pkglib_LTLIBRARIES += oauth2.la
oauth2_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
oauth2_la_SOURCES = \
    credential-providers/oauth2/client.c \
    credential-providers/oauth2/config.c \
    credential-providers/oauth2/metadata.c \
    credential-providers/oauth2/oauth2.h \
    credential-providers/oauth2/plugin.c \
    credential-providers/oauth2/request.c \
    credential-providers/oauth2/secrets.c
oauth2_la_LDFLAGS = $(LDFLAGS_PLUGIN)
oauth2_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/oauth2/oauth2.json
EXTRA_DIST += credential-providers/oauth2/README.md
