# tests/abi: its part of the build
