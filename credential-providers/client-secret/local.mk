# credential-providers/client-secret: its part of the build
