/* The session: initialise, initialised, the listening stream, and all again when it is lost
 * (mcp-client.md 3.1, 3.5, 3.6). */
#include "mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_PAUSE_MS 5000
#define LISTEN_MAX_MS (24 * 3600 * 1000LL)
#define END_TIMEOUT_MS 1500

static const char *const versions[] = {VERSION_NEWEST, "2025-06-18", VERSION_WITH_BATCHES};

static int64_t now_ms(const struct sesame_instance *instance)
{
    return instance->kit.clock->monotonic_ms(instance->kit.host);
}

static void forget(struct sesame_instance *instance)
{
    instance->state = SESSION_NONE;
    free(instance->session_id);
    free(instance->version);
    instance->session_id = instance->version = NULL;
    if (instance->listener != NULL) {
        struct exchange *listener = instance->listener;

        instance->listener = NULL;
        exchange_cancel(listener);
    }
    instance->loop->timer_cancel(instance->kit.host, instance->listen_timer);
    instance->listen_timer = 0;
}

/* ---- the listening stream ----------------------------------------------------------------------
 */

static void listen_again(struct sesame_instance *instance, uint64_t tag);

static void on_listened(struct sesame_instance *instance, void *owner,
                        const struct outcome *outcome)
{
    (void)owner;
    instance->listener = NULL;
    /* Any refusal means that the server has no such stream; one that ended is opened again. */
    if (outcome->http_status < 200 || outcome->http_status > 299 || instance->is_stopping ||
        instance->state != SESSION_READY)
        return;
    instance->listen_timer =
        instance->loop->timer_start(instance->kit.host, LISTEN_PAUSE_MS, listen_again, 0);
}

static void listen_again(struct sesame_instance *instance, uint64_t tag)
{
    (void)tag;
    instance->listen_timer = 0;
    if (instance->state == SESSION_READY && instance->listener == NULL && !instance->is_stopping)
        instance->listener = exchange_start(instance, 0, "GET", 0, (struct sesame_text){NULL, 0},
                                            now_ms(instance) + LISTEN_MAX_MS, on_listened, NULL);
}

/* ---- initialise --------------------------------------------------------------------------------
 */

static void start(struct sesame_instance *instance, const char *version);

static const char *known_version(const char *version)
{
    for (size_t i = 0; version != NULL && i < sizeof versions / sizeof versions[0]; i++)
        if (strcmp(version, versions[i]) == 0)
            return versions[i];
    return NULL;
}

static void give_up(struct sesame_instance *instance, int32_t status, const char *message)
{
    forget(instance);
    operation_fail_all(instance, status, message);
}

/* A server that refuses our revision may name those it has. */
static const char *offered_version(struct sesame_instance *instance, struct sesame_text response)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text list, name, item;
    size_t position = 0;

    if (!kit_find(kit, response, "/error/data/supported", &list) || !kit_is_array(list))
        return NULL;
    while (kit->json->next(kit->host, list, &position, &name, &item) == SESAME_OK) {
        char *text = kit_unquote(kit, item, NULL);
        const char *known = known_version(text);

        free(text);
        if (known != NULL)
            return known;
    }
    return NULL;
}

static void on_initialised(struct sesame_instance *instance, void *owner,
                           const struct outcome *outcome)
{
    (void)owner;
    if (outcome->status != SESAME_OK) {
        give_up(instance, outcome->status, outcome->message);
        return;
    }
    instance->state = SESSION_READY;
    operation_resume_all(instance);
    /* Others have nothing to say on it that we act on. */
    if (instance->listens && instance->server_tells_changes)
        listen_again(instance, 0);
}

/* False, with the reason told to all who wait. */
static bool take_version(struct sesame_instance *instance, struct sesame_text response)
{
    struct sesame_text version = {"nothing", 7};
    struct kit_buffer text = {0};
    char *name = kit_get_string(&instance->kit, response, "/result/protocolVersion");
    const char *known = known_version(name);

    free(name);
    if (known != NULL) {
        instance->version = kit_copy(kit_text(known));
        if (instance->version != NULL)
            return true;
    }
    (void)kit_find(&instance->kit, response, "/result/protocolVersion", &version);
    kit_add(&text, "the MCP server answered initialize with revision ");
    content_add_clean(&text, version, 40);
    kit_add(&text, ", this client speaks 2025-03-26, 2025-06-18 and 2025-11-25");
    give_up(instance, SESAME_INTERNAL, text.data == NULL ? "no memory" : text.data);
    kit_clear(&text);
    return false;
}

static void adopt(struct sesame_instance *instance, const struct outcome *outcome)
{
    static const char body[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

    if (outcome->has_bad_session_id) {
        give_up(instance, SESAME_INTERNAL,
                "the MCP server's Mcp-Session-Id is longer than 512 bytes or holds characters that "
                "are not visible ASCII: it cannot be sent back");
        return;
    }
    if (!take_version(instance, outcome->response))
        return;
    if (outcome->session_id != NULL)
        instance->session_id = kit_copy(kit_text(outcome->session_id));
    instance->server_tells_changes =
        kit_get_bool(&instance->kit, outcome->response, "/result/capabilities/tools/listChanged");
    if (exchange_start(instance, 0, "POST", 0, kit_text(body),
                       now_ms(instance) + instance->timeout_ms, on_initialised, NULL) == NULL)
        give_up(instance, SESAME_UNAVAILABLE, "the MCP session cannot be begun");
}

/* What answers so to a first POST often speaks the older transport, or is no MCP server (3.2). */
static void give_up_by_outcome(struct sesame_instance *instance, const struct outcome *outcome)
{
    int32_t status = outcome->http_status;
    char text[900];

    (void)snprintf(text, sizeof text, "%s%s", outcome->message,
                   outcome->response.len == 0 && (status == 400 || status == 404 || status == 405)
                       ? "; is this the server's Streamable HTTP address, which usually ends in "
                         "/mcp? The older HTTP+SSE transport is not spoken here"
                       : "");
    give_up(instance, outcome->status, text);
}

static void on_answer(struct sesame_instance *instance, void *owner, const struct outcome *outcome)
{
    int64_t code;
    char *said = rpc_error_text(instance, outcome->response, &code);
    const char *version = said == NULL ? NULL : offered_version(instance, outcome->response);

    (void)owner;
    if (version != NULL && !instance->has_retried_version) {
        instance->has_retried_version = true;
        start(instance, version);
    } else if (outcome->status != SESAME_OK) {
        give_up_by_outcome(instance, outcome);
    } else if (said != NULL) {
        give_up(instance, SESAME_INTERNAL, said);
    } else {
        adopt(instance, outcome);
    }
    free(said);
}

static void start(struct sesame_instance *instance, const char *version)
{
    struct kit_buffer body = {0};
    int64_t id = ++instance->next_id;
    struct exchange *exchange = NULL;

    instance->state = SESSION_STARTING;
    rpc_begin(instance, &body, id, "initialize");
    kit_add(&body, "{\"protocolVersion\":\"");
    kit_add(&body, version);
    kit_add(&body, "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"sesame\",\"version\":\"");
    kit_add(&body, PACKAGE_VERSION "\"}}}");
    if (!body.has_failed)
        exchange = exchange_start(instance, 0, "POST", id, kit_buffer_text(&body),
                                  now_ms(instance) + instance->timeout_ms, on_answer, NULL);
    kit_clear(&body);
    if (exchange == NULL)
        give_up(instance, SESAME_UNAVAILABLE,
                "the MCP server cannot be called: the host's log has the reason");
}

void session_want(struct sesame_instance *instance)
{
    if (instance->state != SESSION_NONE)
        return;
    instance->epoch++;
    instance->has_retried_version = false;
    start(instance, VERSION_NEWEST);
}

void session_lost(struct sesame_instance *instance, uint64_t epoch)
{
    if (epoch != instance->epoch || instance->state != SESSION_READY)
        return;
    forget(instance);
    /* Names, schemas and pages belonged to the old session. */
    instance->completion->changed(instance->kit.host);
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void on_ended(struct sesame_instance *instance, void *owner, const struct outcome *outcome)
{
    (void)owner;
    (void)outcome; /* 2xx, 404 and 405 are all fine */
    instance->loop->stopped(instance->kit.host);
}

bool session_end(struct sesame_instance *instance)
{
    bool has_session = instance->state == SESSION_READY && instance->session_id != NULL;

    instance->is_stopping = true;
    if (instance->listener != NULL) {
        struct exchange *listener = instance->listener;

        instance->listener = NULL;
        exchange_cancel(listener);
    }
    return has_session && exchange_start(instance, 0, "DELETE", 0, (struct sesame_text){NULL, 0},
                                         now_ms(instance) + END_TIMEOUT_MS, on_ended, NULL) != NULL;
}
