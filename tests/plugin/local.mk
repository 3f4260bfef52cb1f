# tests/plugin: its part of the build
