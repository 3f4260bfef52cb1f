# core/base: its part of the build
