# tests/abi: the plugin contract stays what it is
EXTRA_DIST += tests/abi/simple.c tests/abi/simple.json tests/abi/check.sh tests/abi/probe.c tests/abi/layout.c tests/abi/layout_program.c tests/abi/sesame-1.abi \
    tests/abi/1.0/everything.c tests/abi/1.0/everything.json tests/abi/1.0/everything-x86_64.so \
    tests/abi/1.0/include/sesame/credential_provider.h tests/abi/1.0/include/sesame/plugin.h \
    tests/abi/1.0/include/sesame/services.h tests/abi/1.0/include/sesame/tool.h

.PHONY: abi-check abi-baseline
abi-check: all
	$(top_srcdir)/tests/abi/check.sh $(top_srcdir) $(top_builddir)

# Only for a new contract: a released one is never written again.
abi-baseline:
	$(top_srcdir)/tests/abi/check.sh $(top_srcdir) $(top_builddir) baseline

# As a stranger would compile it: a compiler, the frozen headers, no more.
abi-everything.so: tests/abi/1.0/everything.c
	$(CC) -std=c99 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -pedantic -Werror \
	    -I$(top_srcdir)/tests/abi/1.0/include -o $@ $(top_srcdir)/tests/abi/1.0/everything.c -lpthread
check_DATA += abi-everything.so
CLEANFILES += abi-everything.so

check_PROGRAMS += test_frozen
test_frozen_SOURCES = tests/abi/test_frozen.c
test_frozen_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_frozen_LDADD = $(test_tools_LDADD)

# The same on the convenience header.
abi-simple.so: tests/abi/simple.c plugins/include/sesame/simple_tool.h
	$(CC) -std=c99 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -pedantic -Werror \
	    -Wl,-z,relro -Wl,-z,now -I$(top_srcdir)/plugins/include -o $@ $(top_srcdir)/tests/abi/simple.c
check_DATA += abi-simple.so
CLEANFILES += abi-simple.so

check_PROGRAMS += test_simple
test_simple_SOURCES = tests/abi/test_simple.c
test_simple_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_simple_LDADD = $(test_tools_LDADD)
