# tests/bench: measurements, run by ./dev bench; nothing here passes or fails
EXTRA_DIST += tests/bench/bench.mjs tests/bench/gate.mjs tests/bench/lab.mjs tests/bench/model.mjs \
    tests/bench/package.json tests/bench/package-lock.json tests/bench/peer.mjs
EXTRA_PROGRAMS += bench-process
bench_process_SOURCES = tests/bench/bench_process.c
bench_process_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
bench_process_LDADD = $(test_tools_LDADD)
CLEANFILES += bench-process
