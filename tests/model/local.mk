# tests/model: its part of the build
