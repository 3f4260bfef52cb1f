/* A scripted MCP server over loopback HTTP. */
#include "server.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"

#include <json-c/json.h>

struct tool_bench bench;
struct mcp_server server;

/* ---- what came ------------------------------------------------------------------------------- */

static void keep(char *out, size_t size, struct slice text)
{
    snprintf(out, size, "%.*s", (int)text.len, text.len == 0 ? "" : text.data);
}

static void read_message(struct mcp_seen *seen, struct slice body)
{
    struct json_object *message;
    struct json_object *id = NULL;
    const char *method;
    struct error err = {0};

    snprintf(seen->what, sizeof seen->what, "%s", seen->http_method);
    if (body.len == 0)
        return;
    message = json_parse(body.data, body.len, 64, &err);
    ck_assert_msg(message != NULL, "the client sent no JSON: %s", err.message);
    method = json_get_string(message, "method", NULL);
    snprintf(seen->what, sizeof seen->what, "%s", method == NULL ? "response" : method);
    if (json_object_object_get_ex(message, "id", &id))
        snprintf(seen->id, sizeof seen->id, "%s", json_object_to_json_string(id));
    json_object_put(message);
}

static struct mcp_seen *remember(struct mcp_server *mcp, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct mcp_seen *seen = &mcp->seen[mcp->seen_count];
    struct slice body = http_exchange_body(exchange);

    ck_assert_uint_lt(mcp->seen_count++, SEEN_MAX_COUNT);
    keep(seen->http_method, sizeof seen->http_method, head->method);
    keep(seen->target, sizeof seen->target, head->target);
    keep(seen->version, sizeof seen->version, http_head_find(head, "mcp-protocol-version"));
    keep(seen->session, sizeof seen->session, http_head_find(head, "mcp-session-id"));
    keep(seen->accept, sizeof seen->accept, http_head_find(head, "accept"));
    keep(seen->type, sizeof seen->type, http_head_find(head, "content-type"));
    keep(seen->last_event_id, sizeof seen->last_event_id, http_head_find(head, "last-event-id"));
    keep(seen->origin, sizeof seen->origin, http_head_find(head, "origin"));
    keep(seen->authorization, sizeof seen->authorization, slice_of(mcp->peer.last_authorization));
    seen->body = strndup(body.len == 0 ? "" : body.data, body.len);
    seen->at_ms = clock_monotonic_ms();
    read_message(seen, body);
    return seen;
}

size_t mcp_count(const struct mcp_server *mcp, const char *what)
{
    size_t count = 0;

    for (size_t i = 0; i < mcp->seen_count; i++)
        count += strcmp(mcp->seen[i].what, what) == 0;
    return count;
}

const struct mcp_seen *mcp_seen(const struct mcp_server *mcp, const char *what, int index)
{
    const struct mcp_seen *found = NULL;

    for (size_t i = 0; i < mcp->seen_count; i++)
        if (strcmp(mcp->seen[i].what, what) == 0) {
            found = &mcp->seen[i];
            if (index-- == 0)
                return found;
        }
    ck_assert_msg(found != NULL && index < 0, "the server saw no such request: %s", what);
    return found;
}

/* ---- what goes back -------------------------------------------------------------------------- */

static void fill(struct buffer *out, const char *body, size_t len, const char *id)
{
    struct slice rest = {body, len};
    struct error err = {0};

    buffer_init(out, 64 << 20);
    while (rest.len > 0) {
        const char *mark = memmem(rest.data, rest.len, "$ID", 3);
        size_t plain = mark == NULL ? rest.len : (size_t)(mark - rest.data);

        ck_assert(buffer_add(out, rest.data, plain, &err));
        if (mark != NULL)
            ck_assert(buffer_add_text(out, id, &err));
        plain += mark == NULL ? 0 : 3;
        rest = (struct slice){rest.data + plain, rest.len - plain};
    }
}

static void on_gone(void *arg, const char *reason)
{
    struct mcp_held *held = arg;

    (void)reason;
    held->exchange = NULL;
    held->server->gone_count++;
}

static void hold(struct mcp_server *mcp, const struct mcp_seen *seen,
                 struct http_exchange *exchange)
{
    struct mcp_held *held = &mcp->held[mcp->held_count];

    ck_assert_uint_lt(mcp->held_count++, HELD_MAX_COUNT);
    held->server = mcp;
    held->exchange = exchange;
    snprintf(held->what, sizeof held->what, "%s", seen->what);
    snprintf(held->id, sizeof held->id, "%s", seen->id);
    http_exchange_set_owner(exchange, on_gone, held);
}

struct mcp_held *mcp_held(struct mcp_server *mcp, const char *what)
{
    for (size_t i = mcp->held_count; i-- > 0;)
        if (mcp->held[i].exchange != NULL && strcmp(mcp->held[i].what, what) == 0)
            return &mcp->held[i];
    return NULL;
}

static void end_stream(struct http_exchange *exchange, enum mcp_end end)
{
    if (end == MCP_END)
        http_exchange_end(exchange);
    else if (end == MCP_BREAK)
        http_exchange_abort(exchange);
}

void mcp_write(struct mcp_held *held, const char *body, enum mcp_end end)
{
    struct http_exchange *exchange = held->exchange;
    struct buffer text;

    fill(&text, body, strlen(body), held->id);
    http_exchange_write(exchange, text.data, text.len);
    buffer_clear(&text);
    if (end != MCP_HOLD)
        held->exchange = NULL;
    end_stream(exchange, end);
}

void mcp_answer(struct mcp_held *held, int status, const char *type, const char *body)
{
    struct http_exchange *exchange = held->exchange;
    struct buffer text;

    fill(&text, body, strlen(body), held->id);
    held->exchange = NULL;
    http_exchange_reply(exchange, status, type, text.data, text.len);
    buffer_clear(&text);
}

static void reply(struct mcp_server *mcp, const struct mcp_seen *seen,
                  struct http_exchange *exchange, const struct mcp_reply *with)
{
    const char *body = with->body == NULL ? "" : with->body;
    struct buffer text;

    if (with->end == MCP_SILENT) {
        hold(mcp, seen, exchange);
        return;
    }
    fill(&text, body, with->body_len > 0 ? with->body_len : strlen(body), seen->id);
    if (with->header != NULL)
        ck_assert(http_exchange_add_header(exchange, with->header, with->value));
    if (with->end == MCP_END && (with->type == NULL || strcmp(with->type, SSE_TYPE) != 0)) {
        http_exchange_reply(exchange, with->status, with->type, text.data, text.len);
    } else {
        if (with->end == MCP_HOLD)
            hold(mcp, seen, exchange);
        http_exchange_stream(exchange, with->status, with->type);
        if (text.len > 0)
            http_exchange_write(exchange, text.data, text.len);
        end_stream(exchange, with->end);
    }
    buffer_clear(&text);
}

static void reply_by_default(struct mcp_server *mcp, const struct mcp_seen *seen,
                             struct http_exchange *exchange)
{
    struct mcp_reply with = {.status = 200, .type = JSON_TYPE};
    char body[300];

    if (strcmp(seen->what, "initialize") == 0) {
        snprintf(body, sizeof body,
                 RESULT("{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{"
                        "\"listChanged\":%s}},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}"),
                 mcp->version, mcp->announces_changes ? "true" : "false");
        with.body = body;
        with.header = mcp->session == NULL ? NULL : "Mcp-Session-Id";
        with.value = mcp->session;
    } else if (strcmp(seen->what, "tools/list") == 0) {
        with.body = RESULT(
            "{\"tools\":[{\"name\":\"echo\",\"description\":\"says it again\","
            "\"inputSchema\":{\"type\":\"object\"}}]}");
    } else if (strcmp(seen->what, "tools/call") == 0) {
        with.body = TEXT_RESULT("done");
    } else if (strcmp(seen->what, "GET") == 0) {
        with.status = 405;
        with.type = NULL;
    } else {
        with.status = strcmp(seen->what, "DELETE") == 0 ? 200 : 202;
        with.type = NULL;
    }
    reply(mcp, seen, exchange, &with);
}

static void on_request(struct peer *peer, struct http_exchange *exchange)
{
    struct mcp_server *mcp = peer->arg;
    const struct mcp_seen *seen = remember(mcp, exchange);

    for (size_t i = 0; i < mcp->script_count; i++)
        if (!mcp->is_used[i] && strcmp(mcp->script[i].to, seen->what) == 0) {
            mcp->is_used[i] = true;
            reply(mcp, seen, exchange, &mcp->script[i]);
            return;
        }
    reply_by_default(mcp, seen, exchange);
}

struct mcp_reply *mcp_script(struct mcp_server *mcp, const char *to, int status, const char *type,
                             const char *body)
{
    struct mcp_reply *with = &mcp->script[mcp->script_count];

    ck_assert_uint_lt(mcp->script_count++, SCRIPT_MAX_COUNT);
    *with = (struct mcp_reply){.to = to, .status = status, .type = type, .body = body};
    return with;
}

void mcp_server_open(struct mcp_server *mcp, struct loop *loop)
{
    memset(mcp, 0, sizeof *mcp);
    peer_open(&mcp->peer, loop);
    mcp->peer.answer = on_request;
    mcp->peer.arg = mcp;
    mcp->version = "2025-11-25";
}

void mcp_server_close(struct mcp_server *mcp)
{
    peer_close(&mcp->peer);
    for (size_t i = 0; i < mcp->seen_count; i++)
        free(mcp->seen[i].body);
}

/* ---- the bench ------------------------------------------------------------------------------- */

static char *origins[] = {server.peer.url};
static char *credential_names[] = {(char[]){"header"}, (char[]){"query"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"header"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://mcp.example|a"},
     .origins = origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
    {.name = (char[]){"query"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://mcp.example|b"},
     .origins = origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){""},
     .attach_query = (char[]){"key"}},
};

void mcp_set_up(void)
{
    tool_bench_init(&bench, credentials, 2);
    bench.config.credentials = credential_names;
    bench.config.credential_count = 2;
    mcp_server_open(&server, bench.loop);
}

void mcp_tear_down(void)
{
    tool_bench_stop(&bench);
    mcp_server_close(&server);
    tool_bench_close(&bench);
}

void mcp_open(const char *more)
{
    char config[600];

    snprintf(config, sizeof config, "{\"url\":\"%s/mcp\"%s}", server.peer.url, more);
    tool_bench_open(&bench, "mcp", config);
}

void mcp_open_and_list(const char *more)
{
    mcp_open(more);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}
