# doc: its part of the build
