# tests/bench: its part of the build
