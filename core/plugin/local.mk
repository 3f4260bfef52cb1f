# core/plugin: its part of the build
