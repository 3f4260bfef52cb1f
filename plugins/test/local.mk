# plugins/test: libsesame-plugin-test, a scripted host for plugin authors' unit tests
noinst_LTLIBRARIES += libplugin_test_own.la
libplugin_test_own_la_SOURCES = \
    plugins/test/call.c \
    plugins/test/host.c \
    plugins/test/instance.c \
    plugins/test/record.c plugins/test/record.h \
    plugins/test/record_basic.c \
    plugins/test/record_calls.c \
    plugins/test/script.h \
    plugins/test/script_clock.c \
    plugins/test/script_credentials.c \
    plugins/test/script_http.c \
    plugins/test/script_log.c \
    plugins/test/script_loop.c \
    plugins/test/script_program.c

# One object: our files, and of the host's libraries what they need besides; then every name but
# ours becomes local, so that a plugin and its test may use whatever names they like. What the
# script files define is not taken from the host's libraries: a second definition fails the link.
PLUGIN_TEST_PARTS = libagent.la libplugin.la libcredential.la libjwt.la libnet.la libconfig.la libbase.la
libsesame-plugin-test.a: libplugin_test_own.la $(PLUGIN_TEST_PARTS)
	$(AM_V_GEN)rm -f $@ && \
	$(CC) -r -nostdlib -o plugin-test-all.o -Wl,--whole-archive .libs/libplugin_test_own.a \
	    -Wl,--no-whole-archive -Wl,--start-group $(PLUGIN_TEST_PARTS:%.la=.libs/%.a) -Wl,--end-group && \
	$(OBJCOPY) --strip-debug --wildcard --keep-global-symbol='sesame_test_*' plugin-test-all.o && \
	$(AR) crs $@ plugin-test-all.o && rm -f plugin-test-all.o
plugintestdir = $(libdir)
plugintest_DATA = libsesame-plugin-test.a
CLEANFILES += libsesame-plugin-test.a plugin-test-all.o
pkgconfig_DATA += plugins/sesame-plugin-test.pc
sesameinclude_HEADERS += plugins/include/sesame/plugin_test.h
