# tests/bench: measurements, run by hand; nothing here passes or fails
EXTRA_DIST += tests/bench/bench.mjs tests/bench/package.json tests/bench/package-lock.json tests/bench/peer.mjs
