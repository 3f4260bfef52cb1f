# core/credential: its part of the build
