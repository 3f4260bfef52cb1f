# plugins: its part of the build
sesameincludedir = $(includedir)/sesame
sesameinclude_HEADERS = \
    plugins/include/sesame/credential_provider.h \
    plugins/include/sesame/plugin.h \
    plugins/include/sesame/services.h \
    plugins/include/sesame/tool.h

# The kit: compiled as position-independent code because it ends up in plugins.
noinst_LTLIBRARIES += libkit.la
libkit_la_CPPFLAGS = -include config.h -I$(top_srcdir)/plugins/include -I$(top_srcdir)
libkit_la_SOURCES = plugins/kit/kit.c plugins/kit/kit.h
PLUGIN_CPPFLAGS = -include config.h -I$(top_srcdir)/plugins/include -I$(top_srcdir)
