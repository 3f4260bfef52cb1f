# tests/fuzz: its part of the build
