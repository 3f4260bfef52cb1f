# tests/agent: its part of the build
