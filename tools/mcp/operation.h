/* What lists (list.c) and the operations they are (operation.c) share. */
#ifndef MCP_OPERATION_H
#define MCP_OPERATION_H

#include "mcp.h"

#define PAGE_MAX_COUNT 50

struct operation {
    struct operation *next;
    struct sesame_instance *instance;
    uint64_t call;
    int64_t deadline_ms;
    bool is_list;
    char *function;
    char *arguments;
    char *cursors[PAGE_MAX_COUNT]; /* JSON literals; the last one is of the next page */
    size_t cursor_count;
    size_t tool_count;
    struct kit_buffer functions; /* list so far */
    struct exchange *exchange;   /* NULL: waits for a session */
    int64_t id;
    uint64_t epoch;
    bool has_been_repeated;
};

/* ---- operation.c ------------------------------------------------------------------------------
 */

/* Sends its next request, a list's page or the call; it may be complete and freed afterwards. */
void operation_send(struct operation *operation);
/* Tells the host and frees it. */
void operation_complete(struct operation *operation, int32_t status, struct sesame_text data);

/* ---- list.c ------------------------------------------------------------------------------------
 */

/* Takes the tools of a page and asks for the next one, or completes the list. */
void list_take_page(struct operation *operation, struct sesame_text response);
/* Forgets what came: a list begins with its first page. */
void list_rewind(struct operation *operation);

#endif
