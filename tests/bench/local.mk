# tests/bench: measurements, run by ./dev bench; nothing here passes or fails
EXTRA_DIST += tests/bench/bench.mjs tests/bench/gate.mjs tests/bench/lab.mjs tests/bench/model.mjs \
    tests/bench/package.json tests/bench/package-lock.json tests/bench/peer.mjs
