# tools/enterprise-service: one HTTP service as one function
pkglib_LTLIBRARIES += enterprise-service.la
enterprise_service_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
enterprise_service_la_SOURCES = \
    tools/enterprise-service/body.c \
    tools/enterprise-service/plugin.c \
    tools/enterprise-service/service.h
enterprise_service_la_LDFLAGS = $(LDFLAGS_PLUGIN)
enterprise_service_la_LIBADD = libkit_exchange.la
dist_manifest_DATA += tools/enterprise-service/enterprise-service.json
EXTRA_DIST += tools/enterprise-service/README.md
