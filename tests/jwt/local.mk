# tests/jwt: its part of the build
