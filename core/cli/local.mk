# core/cli: its part of the build
