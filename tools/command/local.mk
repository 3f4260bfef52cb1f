# tools/command: the program that the operator granted, as one function
if HAVE_CXX
pkglib_LTLIBRARIES += command.la
command_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
command_la_SOURCES = tools/command/plugin.cpp
command_la_LDFLAGS = $(LDFLAGS_PLUGIN)
command_la_LIBADD = libkit.la
dist_manifest_DATA += tools/command/command.json
endif
EXTRA_DIST += tools/command/README.md
