# tools/http-json: one operation of a REST service, described by OpenAPI 3, as one function
pkglib_LTLIBRARIES += http-json.la
http_json_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
http_json_la_SOURCES = tools/http-json/plugin.c
http_json_la_LDFLAGS = $(LDFLAGS_PLUGIN)
http_json_la_LIBADD = libkit_exchange.la
dist_manifest_DATA += tools/http-json/http-json.json
EXTRA_DIST += tools/http-json/README.md
