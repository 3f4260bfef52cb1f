# credential-providers/file: what the platform mounts
pkglib_LTLIBRARIES += file.la
file_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
file_la_SOURCES = credential-providers/file/plugin.c
file_la_LDFLAGS = $(LDFLAGS_PLUGIN)
file_la_LIBADD = libkit_token.la
dist_manifest_DATA += credential-providers/file/file.json
EXTRA_DIST += credential-providers/file/README.md
