# web: its part of the build
