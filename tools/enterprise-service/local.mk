# tools/enterprise-service: its part of the build
