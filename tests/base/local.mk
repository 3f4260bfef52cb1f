# tests/base: its part of the build
