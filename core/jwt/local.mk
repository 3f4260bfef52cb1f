# core/jwt: its part of the build
