/* Shortens a conversation that the model found too long. Pure. */
#include "agent/history.h"

#include "base/json.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

struct cutter {
    struct json_object *messages;
    size_t dropped;
    size_t bytes; /* of what is left */
    size_t wanted_bytes;
};

static size_t count_of(const struct cutter *cutter)
{
    return json_object_array_length(cutter->messages);
}

static bool has_role(const struct cutter *cutter, size_t at, const char *role)
{
    const char *actual =
        json_get_string(json_object_array_get_idx(cutter->messages, at), "role", NULL);

    return actual != NULL && strcmp(actual, role) == 0;
}

static size_t size_of(struct json_object *value)
{
    size_t len = 0;

    (void)json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    return len;
}

/* The first message of `role` at or behind `from`, or `end`. */
static size_t find_role(const struct cutter *cutter, size_t from, size_t end, const char *role)
{
    while (from < end && !has_role(cutter, from, role))
        from++;
    return from;
}

/* Takes out everything in [from, to) but instructions; returns how many messages went. */
static size_t drop(struct cutter *cutter, size_t from, size_t to)
{
    size_t gone = 0;

    for (size_t i = from; i < to; i++) {
        size_t at = i - gone;

        if (has_role(cutter, at, "system"))
            continue;
        cutter->bytes -= size_of(json_object_array_get_idx(cutter->messages, at));
        json_object_array_del_idx(cutter->messages, at, 1);
        gone++;
    }
    cutter->dropped += gone;
    return gone;
}

/* Returns where the newest user message stands afterwards. */
static size_t drop_old_rounds(struct cutter *cutter, size_t newest_user)
{
    size_t from = 0;

    while (cutter->bytes > cutter->wanted_bytes) {
        size_t to;

        while (from < newest_user && has_role(cutter, from, "system"))
            from++;
        if (from == newest_user)
            break;
        to = find_role(cutter, from + 1, newest_user, "user");
        newest_user -= drop(cutter, from, to);
    }
    return newest_user;
}

static void drop_old_tool_rounds(struct cutter *cutter, size_t from)
{
    while (cutter->bytes > cutter->wanted_bytes) {
        size_t first = find_role(cutter, from, count_of(cutter), "assistant");
        size_t next = find_role(cutter, first + 1, count_of(cutter), "assistant");

        if (next >= count_of(cutter))
            break;
        (void)drop(cutter, first, next);
    }
}

size_t history_shorten(struct json_object *messages)
{
    struct cutter cutter = {.messages = messages};
    size_t newest_user = count_of(&cutter);

    for (size_t i = 0; i < count_of(&cutter); i++) {
        cutter.bytes += size_of(json_object_array_get_idx(messages, i));
        if (has_role(&cutter, i, "user"))
            newest_user = i;
    }
    if (newest_user == count_of(&cutter))
        return 0;
    cutter.wanted_bytes = cutter.bytes / 2;
    newest_user = drop_old_rounds(&cutter, newest_user);
    drop_old_tool_rounds(&cutter, newest_user + 1);
    return cutter.dropped;
}
