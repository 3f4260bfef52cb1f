# tools/mcp: its part of the build
