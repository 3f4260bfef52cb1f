# plugins: its part of the build
