# tests/net: its part of the build
