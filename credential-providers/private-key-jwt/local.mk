# credential-providers/private-key-jwt: an assertion signed by a private key
pkglib_LTLIBRARIES += private-key-jwt.la
private_key_jwt_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
private_key_jwt_la_SOURCES = credential-providers/private-key-jwt/plugin.c
private_key_jwt_la_LDFLAGS = $(LDFLAGS_PLUGIN)
private_key_jwt_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/private-key-jwt/private-key-jwt.json
EXTRA_DIST += credential-providers/private-key-jwt/README.md
