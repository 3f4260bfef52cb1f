# core/agent: its part of the build
