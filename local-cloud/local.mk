# local-cloud: its part of the build
