# plugins: its part of the build
sesameincludedir = $(includedir)/sesame
sesameinclude_HEADERS = \
    plugins/include/sesame/credential_provider.h \
    plugins/include/sesame/plugin.h \
    plugins/include/sesame/services.h \
    plugins/include/sesame/tool.h
