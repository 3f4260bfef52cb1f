# core/config: its part of the build
