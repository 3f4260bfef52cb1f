# core/server: its part of the build
