# tests/e2e: its part of the build
