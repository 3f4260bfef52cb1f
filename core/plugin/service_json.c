/* Host services: strict JSON and server-sent events. */
#include "plugin/instance.h"

#include "base/json.h"
#include "base/text.h"
#include "net/sse.h"

#include <sesame/services.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

static int32_t check(const struct sesame_host *host, struct sesame_text json, int32_t max_depth,
                     struct sesame_text *out_message)
{
    struct plugin_instance *instance = instance_enter(host);
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (json_check(json.data == NULL ? "" : json.data, json.len, max_depth, &err))
        return SESAME_OK;
    instance_say(instance, err.message, out_message);
    return status_of_error(&err);
}

static int32_t find(const struct sesame_host *host, struct sesame_text json,
                    struct sesame_text pointer, struct sesame_text *out_value)
{
    char place[256];

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    if (pointer.len >= sizeof place)
        return SESAME_NOT_FOUND;
    if (pointer.len > 0)
        memcpy(place, pointer.data, pointer.len);
    place[pointer.len] = '\0';
    return json_find(json.data, json.len, place, &out_value->data, &out_value->len)
               ? SESAME_OK
               : SESAME_NOT_FOUND;
}

static int32_t next(const struct sesame_host *host, struct sesame_text container, size_t *position,
                    struct sesame_text *out_name, struct sesame_text *out_value)
{
    struct slice name, value;

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    if (!json_next(container.data, container.len, position, &name, &value))
        return SESAME_NOT_FOUND;
    *out_name = text_from(name);
    *out_value = text_from(value);
    return SESAME_OK;
}

static int32_t unquote(const struct sesame_host *host, struct sesame_text literal, char *out,
                       size_t out_capacity, size_t *out_len)
{
    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    if (literal.len < 2 || literal.data[0] != '"')
        return SESAME_BAD_INPUT;
    if (out_capacity < literal.len - 2)
        return SESAME_LIMIT;
    *out_len = json_unescape_into(literal.data, literal.len, out);
    return SESAME_OK;
}

static int32_t quote(const struct sesame_host *host, struct sesame_text text, char *out,
                     size_t out_capacity, size_t *out_len)
{
    struct buffer literal;
    struct error err = {0};
    int32_t status = SESAME_LIMIT;

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    buffer_init(&literal, out_capacity);
    if (json_add_string(&literal, text.data == NULL ? "" : text.data, text.len, &err)) {
        memcpy(out, literal.data, literal.len);
        *out_len = literal.len;
        status = SESAME_OK;
    }
    buffer_clear(&literal);
    return status;
}

const struct sesame_json_v1 service_json = {check, find, next, unquote, quote};

/* ---- SSE ------------------------------------------------------------------------------------- */

struct feed {
    struct plugin_instance *instance;
    uint64_t handle;
    void (*on_event)(struct sesame_instance *instance, uint64_t tag,
                     const struct sesame_sse_event *event);
    uint64_t tag;
};

/* Closing inside on_event must wait until the reader is off the stack. */
struct plugin_sse {
    struct sse_reader *reader;
    bool is_feeding;
    bool is_closed;
};

static void free_sse(void *object)
{
    struct plugin_sse *sse = object;

    if (sse->is_feeding) {
        sse->is_closed = true;
        return;
    }
    sse_reader_free(sse->reader);
    free(sse);
}

static uint64_t sse_open(const struct sesame_host *host, size_t event_max_bytes)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_sse *sse;
    struct error ignored = {0};
    uint64_t handle = 0;

    if (instance == NULL || (sse = calloc(1, sizeof *sse)) == NULL)
        return 0;
    sse->reader = sse_reader_new(event_max_bytes, &ignored);
    if (sse->reader != NULL)
        handle = handle_add(&instance->handles, HANDLE_SSE, sse);
    if (handle == 0)
        free_sse(sse);
    return handle;
}

static bool give_event(void *arg, const struct sse_event *event)
{
    struct feed *feed = arg;
    struct sesame_sse_event out = {{event->type, event->type_len},
                                   {event->data, event->data_len},
                                   {event->id, event->id_len},
                                   event->retry_ms};

    feed->on_event(feed->instance->plugin, feed->tag, &out);
    return handle_get(&feed->instance->handles, HANDLE_SSE, feed->handle) != NULL;
}

static int32_t sse_feed(const struct sesame_host *host, uint64_t handle, struct sesame_text bytes,
                        void (*on_event)(struct sesame_instance *instance, uint64_t tag,
                                         const struct sesame_sse_event *event),
                        uint64_t tag)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_sse *sse;
    struct feed feed = {instance, handle, on_event, tag};
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    sse = handle_get(&instance->handles, HANDLE_SSE, handle);
    if (sse == NULL || sse->is_feeding)
        return SESAME_NOT_FOUND;
    sse->is_feeding = true;
    (void)sse_reader_feed(sse->reader, bytes.data, bytes.len, give_event, &feed, &err);
    sse->is_feeding = false;
    if (sse->is_closed)
        free_sse(sse);
    return status_of_error(&err);
}

static int32_t sse_state(const struct sesame_host *host, uint64_t handle,
                         struct sesame_sse_event *out)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_sse *sse;
    struct sse_event event;

    if (instance == NULL)
        return SESAME_INTERNAL;
    sse = handle_get(&instance->handles, HANDLE_SSE, handle);
    if (sse == NULL)
        return SESAME_NOT_FOUND;
    sse_reader_state(sse->reader, &event);
    *out = (struct sesame_sse_event){
        {event.type, event.type_len}, {"", 0}, {event.id, event.id_len}, event.retry_ms};
    return SESAME_OK;
}

static void sse_close(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    void *sse = instance == NULL ? NULL : handle_take(&instance->handles, HANDLE_SSE, handle);

    if (sse != NULL)
        free_sse(sse);
}

void service_sse_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_SSE, free_sse);
}

const struct sesame_sse_v1 service_sse = {sse_open, sse_feed, sse_state, sse_close};
