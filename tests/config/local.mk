# tests/config: its part of the build
