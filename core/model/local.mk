# core/model: its part of the build
