# tests: its part of the build
