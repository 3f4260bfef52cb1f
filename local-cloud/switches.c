/* The switches that tests and people set on the control port, with their defaults. */
#include "local-cloud/switches.h"

#include "base/error.h"
#include "base/text.h"
#include "local-cloud/memory.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

enum kind { KIND_NUMBER, KIND_BOOL, KIND_CHOICE, KIND_TEXT };

struct switch_spec {
    const char *group;
    const char *name;
    enum kind kind;
    size_t offset;
    size_t size;                  /* of a text */
    const char *const *choices;   /* NULL-terminated, in the order of the enumeration */
    int64_t initial, least, most; /* of a number; `initial` also of the others */
};

static const char *const alg_names[] = {"RS256", "ES256", NULL};
static const char *const shape_names[] = {"pop", "oauth", NULL};
static const char *const answer_names[] = {"sse", "json", NULL};
static const char *const asks_names[] = {"none", "ping", "sampling", "roots", "elicitation", NULL};
static const char *const result_names[] = {
    "text",     "structured", "both",     "image",      "empty", "error", "rpc-error",
    "wrong-id", "twice",      "not-json", "wrong-type", "none",  NULL};
static const char *const mode_names[] = {"strict", "fc", NULL};

#define AT(field) offsetof(struct switches, field)
#define NUMBER(group_, name_, initial_, least_, most_)                                     \
    {                                                                                      \
        .group = #group_, .name = #name_, .kind = KIND_NUMBER, .offset = AT(group_.name_), \
        .initial = (initial_), .least = (least_), .most = (most_)                          \
    }
#define BOOL(group_, name_, initial_)                                                    \
    {                                                                                    \
        .group = #group_, .name = #name_, .kind = KIND_BOOL, .offset = AT(group_.name_), \
        .initial = (initial_)                                                            \
    }
#define CHOICE(group_, name_, choices_)                                                    \
    {                                                                                      \
        .group = #group_, .name = #name_, .kind = KIND_CHOICE, .offset = AT(group_.name_), \
        .choices = (choices_)                                                              \
    }
#define TEXT(group_, name_)                                                              \
    {                                                                                    \
        .group = #group_, .name = #name_, .kind = KIND_TEXT, .offset = AT(group_.name_), \
        .size = sizeof((struct switches *)0)->group_.name_                               \
    }

enum { HOUR_MS = 3600 * 1000, MEBIBYTE = 1 << 20 };

static const struct switch_spec specs[] = {
    NUMBER(issuer, token_lifetime_s, 1200, 1, 10 * 365 * 86400),
    NUMBER(issuer, jwks_max_age_s, 300, -1, 86400),
    NUMBER(issuer, clock_offset_s, 0, -86400, 86400),
    BOOL(issuer, expires_at, true),
    BOOL(issuer, act, true),
    NUMBER(issuer, actors_max, 5, 1, 100),
    CHOICE(issuer, algorithm, alg_names),
    CHOICE(vault, error_shape, shape_names),
    NUMBER(vault, session_s, 600, 1, 86400),
    NUMBER(model, first_delay_ms, 0, 0, HOUR_MS),
    NUMBER(model, delta_delay_ms, 0, 0, HOUR_MS),
    NUMBER(model, delta_count, 0, 0, 100000),
    NUMBER(model, delta_chars, 12, 1, 4096),
    TEXT(model, quirks),
    CHOICE(mcp, answer, answer_names),
    CHOICE(mcp, server_request, asks_names),
    CHOICE(mcp, result, result_names),
    BOOL(mcp, session, true),
    BOOL(mcp, listen, true),
    BOOL(mcp, close_mid_call, false),
    BOOL(mcp, poisoned, false),
    BOOL(mcp, list_changed, true),
    NUMBER(mcp, session_calls_max, 0, 0, 1000000),
    NUMBER(mcp, retry_ms, 50, 0, HOUR_MS),
    NUMBER(mcp, delay_ms, 0, 0, HOUR_MS),
    NUMBER(mcp, page_size, 0, 0, 1000),
    NUMBER(mcp, oversized_bytes, 0, 0, 64 * MEBIBYTE),
    NUMBER(mcp, progress_count, 0, 0, 100000),
    TEXT(mcp, protocol_version),
    BOOL(openapi, needs_ssl, false),
    BOOL(metadata, token, true),
    BOOL(metadata, v1, true),
    NUMBER(metadata, session_s, 21600, 1, 86400),
    TEXT(metadata, role),
    CHOICE(enterprise, mode, mode_names),
    NUMBER(enterprise, delay_ms, 0, 0, HOUR_MS),
};
enum { SPEC_COUNT = sizeof specs / sizeof specs[0] };

static void store_number(struct switches *switches, const struct switch_spec *spec, int64_t value)
{
    char *field = (char *)switches + spec->offset;
    bool is_on = value != 0;
    int choice = (int)value;

    if (spec->kind == KIND_NUMBER)
        memcpy(field, &value, sizeof value);
    else if (spec->kind == KIND_BOOL)
        memcpy(field, &is_on, sizeof is_on);
    else if (spec->kind == KIND_CHOICE)
        memcpy(field, &choice, sizeof choice);
}

void switches_init(struct switches *switches)
{
    memset(switches, 0, sizeof *switches);
    for (size_t i = 0; i < SPEC_COUNT; i++)
        store_number(switches, &specs[i], specs[i].initial);
}

static bool set_number(struct switches *switches, const struct switch_spec *spec,
                       struct json_object *value, struct error *err)
{
    int64_t number = json_object_get_int64(value);

    if (!json_object_is_type(value, json_type_int) || number < spec->least || number > spec->most)
        return error_set(err, ERROR_BAD_INPUT,
                         "switch %s.%s: expected an integer from %lld to %lld", spec->group,
                         spec->name, (long long)spec->least, (long long)spec->most);
    store_number(switches, spec, number);
    return true;
}

static bool set_choice(struct switches *switches, const struct switch_spec *spec,
                       struct json_object *value, struct error *err)
{
    const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                                    : "a value that is no text";
    char known[200] = "";

    for (int i = 0; spec->choices[i] != NULL; i++) {
        size_t len = strlen(known);

        if (strcmp(spec->choices[i], text) == 0) {
            store_number(switches, spec, i);
            return true;
        }
        /* Cutting is fine: it is a hint. */
        snprintf(known + len, sizeof known - len, " %s", spec->choices[i]);
    }
    return error_set(err, ERROR_BAD_INPUT, "switch %s.%s: found %.40s, expected one of:%s",
                     spec->group, spec->name, text, known);
}

static bool set_text(struct switches *switches, const struct switch_spec *spec,
                     struct json_object *value, struct error *err)
{
    size_t len;

    if (!json_object_is_type(value, json_type_string))
        return error_set(err, ERROR_BAD_INPUT, "switch %s.%s: expected a text", spec->group,
                         spec->name);
    len = (size_t)json_object_get_string_len(value);
    if (len >= spec->size)
        return error_set(err, ERROR_BAD_INPUT, "switch %s.%s: longer than %zu bytes", spec->group,
                         spec->name, spec->size - 1);
    memset((char *)switches + spec->offset, 0, spec->size);
    memcpy((char *)switches + spec->offset, json_object_get_string(value), len);
    return true;
}

static bool set_one(struct switches *switches, const struct switch_spec *spec,
                    struct json_object *value, struct error *err)
{
    switch (spec->kind) {
    case KIND_NUMBER:
        return set_number(switches, spec, value, err);
    case KIND_CHOICE:
        return set_choice(switches, spec, value, err);
    case KIND_TEXT:
        return set_text(switches, spec, value, err);
    case KIND_BOOL:
    default:
        if (!json_object_is_type(value, json_type_boolean))
            return error_set(err, ERROR_BAD_INPUT, "switch %s.%s: expected true or false",
                             spec->group, spec->name);
        store_number(switches, spec, json_object_get_boolean(value));
        return true;
    }
}

static bool set_named(struct switches *switches, const char *group, const char *name,
                      struct json_object *value, struct error *err)
{
    const char *names[SPEC_COUNT];
    size_t count = 0;
    const char *nearest;

    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (strcmp(specs[i].group, group) != 0)
            continue;
        if (strcmp(specs[i].name, name) == 0)
            return set_one(switches, &specs[i], value, err);
        names[count++] = specs[i].name;
    }
    nearest = text_nearest(name, names, count);
    return error_set(err, ERROR_BAD_INPUT, "there is no switch %.40s.%.40s%s%s", group, name,
                     nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
}

bool switches_set(struct switches *switches, struct json_object *changes, struct error *err)
{
    struct switches changed = *switches;

    if (!json_object_is_type(changes, json_type_object))
        return error_set(err, ERROR_BAD_INPUT, "expected an object of groups of switches");
    json_object_object_foreach(changes, group, members)
    {
        if (!json_object_is_type(members, json_type_object))
            return error_set(err, ERROR_BAD_INPUT, "switches of %.40s: expected an object", group);
        json_object_object_foreach(members, name, value)
        {
            if (!set_named(&changed, group, name, value, err))
                return false;
        }
    }
    *switches = changed;
    return true;
}

static struct json_object *get_one(const struct switches *switches, const struct switch_spec *spec)
{
    const char *field = (const char *)switches + spec->offset;
    int64_t number;
    bool is_on;
    int choice;

    switch (spec->kind) {
    case KIND_NUMBER:
        memcpy(&number, field, sizeof number);
        return json_object_new_int64(number);
    case KIND_CHOICE:
        memcpy(&choice, field, sizeof choice);
        return json_object_new_string(spec->choices[choice]);
    case KIND_TEXT:
        return json_object_new_string(field);
    case KIND_BOOL:
    default:
        memcpy(&is_on, field, sizeof is_on);
        return json_object_new_boolean(is_on);
    }
}

struct json_object *switches_get(const struct switches *switches)
{
    struct json_object *all = must_have(json_object_new_object());

    for (size_t i = 0; i < SPEC_COUNT; i++) {
        struct json_object *group;

        if (!json_object_object_get_ex(all, specs[i].group, &group)) {
            group = must_have(json_object_new_object());
            json_object_object_add(all, specs[i].group, group);
        }
        json_object_object_add(group, specs[i].name, must_have(get_one(switches, &specs[i])));
    }
    return all;
}
