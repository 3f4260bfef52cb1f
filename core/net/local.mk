# core/net: its part of the build
