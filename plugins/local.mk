# plugins: its part of the build
sesameincludedir = $(includedir)/sesame
sesameinclude_HEADERS = \
    plugins/include/sesame/credential_provider.h \
    plugins/include/sesame/plugin.h \
    plugins/include/sesame/program.h \
    plugins/include/sesame/services.h \
    plugins/include/sesame/simple_tool.h \
    plugins/include/sesame/tool.h

# The kit: compiled as position-independent code because it ends up in plugins.
noinst_LTLIBRARIES += libkit.la
libkit_la_CPPFLAGS = -include config.h -I$(top_srcdir)/plugins/include -I$(top_srcdir)
libkit_la_SOURCES = plugins/kit/kit.c plugins/kit/kit.h

# What tools share that turn a call into one HTTP request; apart, as below.
noinst_LTLIBRARIES += libkit_exchange.la
libkit_exchange_la_CPPFLAGS = $(libkit_la_CPPFLAGS)
libkit_exchange_la_SOURCES = \
    plugins/kit/exchange.c \
    plugins/kit/exchange.h \
    plugins/kit/openapi.c \
    plugins/kit/openapi.h
libkit_exchange_la_LIBADD = libkit.la

# What credential providers share; apart, so that tools do not carry it.
noinst_LTLIBRARIES += libkit_token.la
libkit_token_la_CPPFLAGS = $(libkit_la_CPPFLAGS)
libkit_token_la_SOURCES = \
    plugins/kit/client_assertion.c \
    plugins/kit/client_assertion.h \
    plugins/kit/http_date.c \
    plugins/kit/http_date.h \
    plugins/kit/idaas.c \
    plugins/kit/idaas.h \
    plugins/kit/jwt_expiry.c \
    plugins/kit/jwt_expiry.h \
    plugins/kit/token_answer.c \
    plugins/kit/token_provider.c \
    plugins/kit/token_provider.h \
    plugins/kit/token_request.c \
    plugins/kit/token_request.h
libkit_token_la_LIBADD = libkit.la
PLUGIN_CPPFLAGS = -include config.h -I$(top_srcdir)/plugins/include -I$(top_srcdir)

# What `sesame plugin new` begins a plugin with.
template_tooldir = $(pkgdatadir)/template/tool
dist_template_tool_DATA = \
    plugins/template/tool/Makefile \
    plugins/template/tool/README.md \
    plugins/template/tool/manifest.json \
    plugins/template/tool/meson.build \
    plugins/template/tool/plugin.c \
    plugins/template/tool/test.c
template_providerdir = $(pkgdatadir)/template/credential-provider
dist_template_provider_DATA = \
    plugins/template/credential-provider/Makefile \
    plugins/template/credential-provider/README.md \
    plugins/template/credential-provider/manifest.json \
    plugins/template/credential-provider/meson.build \
    plugins/template/credential-provider/plugin.c \
    plugins/template/credential-provider/provider.h \
    plugins/template/credential-provider/test.c
