# tests/hostile: plugins that mean harm, one library for each kind a source names, and what becomes of them
HOSTILE_FILES = tests/hostile/early.c tests/hostile/reach.c tests/hostile/resources.c \
                  tests/hostile/service.c tests/hostile/wire.c
EXTRA_DIST += $(HOSTILE_FILES) tests/hostile/hostile.h tests/hostile/hostile_end.h tests/hostile/build.sh \
              tests/hostile/hostile_bench.h
check_DATA += hostile/stamp
hostile/stamp: $(HOSTILE_FILES) tests/hostile/hostile.h tests/hostile/hostile_end.h tests/hostile/build.sh
	$(AM_V_GEN)$(top_srcdir)/tests/hostile/build.sh $(top_srcdir) hostile \
	    $(CC) $(PLUGIN_CPPFLAGS) $(CPPFLAGS) -D_GNU_SOURCE $(AM_CFLAGS) $(CFLAGS) -Wno-unused-function -fPIC -shared
	@touch $@
CLEANFILES += hostile/*.so hostile/*.json hostile/stamp

# The child program on a kernel that has no Landlock, as it were.
EXTRA_PROGRAMS += bare-sandbox
check_DATA += bare-sandbox
bare_sandbox_SOURCES = $(sesame_sandbox_SOURCES)
bare_sandbox_CPPFLAGS = $(AM_CPPFLAGS) -DGUARDS_MISSING='(GUARD_LANDLOCK|GUARD_UNDUMPABLE)'
bare_sandbox_CFLAGS = $(sesame_sandbox_CFLAGS)
bare_sandbox_LDFLAGS = $(sesame_sandbox_LDFLAGS)
bare_sandbox_LDADD = $(sesame_sandbox_LDADD)
CLEANFILES += bare-sandbox

HOSTILE_TEST_LIBS = $(test_tools_LDADD)
check_PROGRAMS += test_isolation
test_isolation_SOURCES = tests/hostile/test_isolation.c
test_isolation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_isolation_LDADD = $(HOSTILE_TEST_LIBS)
check_PROGRAMS += test_hostile_reach test_hostile_ends test_hostile_wire test_hostile_service
test_hostile_reach_SOURCES = tests/hostile/test_hostile_reach.c
test_hostile_reach_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_hostile_reach_LDADD = $(HOSTILE_TEST_LIBS)
test_hostile_ends_SOURCES = tests/hostile/test_hostile_ends.c
test_hostile_ends_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_hostile_ends_LDADD = $(HOSTILE_TEST_LIBS)
test_hostile_wire_SOURCES = tests/hostile/test_hostile_wire.c
test_hostile_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_hostile_wire_LDADD = $(HOSTILE_TEST_LIBS)
test_hostile_service_SOURCES = tests/hostile/test_hostile_service.c
test_hostile_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_hostile_service_LDADD = $(HOSTILE_TEST_LIBS)
