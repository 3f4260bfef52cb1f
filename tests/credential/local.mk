# tests/credential: its part of the build
