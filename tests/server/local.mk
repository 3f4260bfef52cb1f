# tests/server: its part of the build
