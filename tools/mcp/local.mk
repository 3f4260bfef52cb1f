# tools/mcp: MCP client over Streamable HTTP
pkglib_LTLIBRARIES += mcp.la
mcp_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
mcp_la_SOURCES = \
    tools/mcp/answer.c \
    tools/mcp/content.c \
    tools/mcp/exchange.c \
    tools/mcp/exchange.h \
    tools/mcp/list.c \
    tools/mcp/mcp.h \
    tools/mcp/operation.c \
    tools/mcp/operation.h \
    tools/mcp/plugin.c \
    tools/mcp/rpc.c \
    tools/mcp/session.c
mcp_la_LDFLAGS = $(LDFLAGS_PLUGIN)
mcp_la_LIBADD = libkit.la
dist_manifest_DATA += tools/mcp/mcp.json
EXTRA_DIST += tools/mcp/README.md
