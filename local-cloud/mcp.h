/* The MCP server with Amap's tools (hosted variant), over Streamable HTTP; revisions 2025-03-26,
 * 2025-06-18 and 2025-11-25. mcp-client.md sections 3 and 9. */
#ifndef LOCAL_CLOUD_MCP_H
#define LOCAL_CLOUD_MCP_H

#include <stddef.h>

struct cloud;
struct mcp_server;
struct reply;
struct request;

struct mcp_server *mcp_server_new(void);
void mcp_server_free(struct mcp_server *server);
void mcp_server_reset(struct mcp_server *server);

void mcp_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

/* Adds or takes away one tool and tells the open listening streams; returns how many there are. */
size_t mcp_change_tools(struct cloud *cloud);
void mcp_drop_sessions(struct cloud *cloud);

#endif
