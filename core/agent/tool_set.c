/* The functions of all tools as one turn offers them to the model, under names it accepts. */
#include "agent/tool_set.h"

#include "base/error.h"
#include "base/log.h"
#include "plugin/tool_port.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOLS_MAX_BYTES (1024 * 1024)
#define FRAME_BYTES 128 /* of a function, besides its offer */

const struct tool_entry *tool_set_find(const struct tool_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->entries[i].name, name) == 0)
            return &set->entries[i];
    return NULL;
}

static void make_name(char out[65], const char *prefix, const char *name)
{
    char whole[240];

    (void)snprintf(whole, sizeof whole, "%.64s%s%.128s", prefix, prefix[0] == '\0' ? "" : "_",
                   name);
    whole[64] = '\0';
    memcpy(out, whole, 65);
    for (char *c = out; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            *c = '_';
}

/* The name alone, else with the tool's in front, else with a number behind. A tool that is not
 * trusted (`is_apart`) always has its own in front: it could take another's name otherwise. */
static void choose_name(const struct tool_set *set, char out[65], const char *tool,
                        const char *name, bool is_apart)
{
    make_name(out, "", name);
    if (!is_apart && tool_set_find(set, out) == NULL)
        return;
    make_name(out, tool, name);
    for (unsigned i = 2; tool_set_find(set, out) != NULL && i < 1000; i++) {
        char numbered[80];

        (void)snprintf(numbered, sizeof numbered, "%.58s_%u", name, i);
        make_name(out, "", numbered);
    }
}

static bool add_json(struct tool_set *set, const struct tool_entry *entry, struct error *err)
{
    struct buffer *json = &set->json;

    if (json->len + strlen(entry->function->offer) + FRAME_BYTES > TOOLS_MAX_BYTES)
        return error_set(err, ERROR_LIMIT, "the functions of all tools together are too large");
    /* The name needs no escapes, see make_name. */
    return buffer_add_text(json, json->len == 0 ? "[" : ",", err) &&
           buffer_add_text(json, "{\"type\":\"function\",\"function\":{\"name\":\"", err) &&
           buffer_add_text(json, entry->name, err) && buffer_add_text(json, "\",", err) &&
           buffer_add_text(json, entry->function->offer, err) && buffer_add_text(json, "}}", err);
}

static bool add_list(struct tool_set *set, struct tool_port *port, struct tool_functions *list,
                     struct error *err)
{
    struct tool_entry *grown =
        realloc(set->entries, (set->count + list->count + 1) * sizeof *grown);

    if (grown == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the tools");
    set->entries = grown;
    set->lists[set->list_count++] = tool_functions_ref(list);
    for (size_t i = 0; i < list->count; i++) {
        struct tool_entry *entry = &set->entries[set->count];
        size_t before = set->json.len;
        struct error why = {0};

        choose_name(set, entry->name, tool_port_config(port)->name, list->items[i].name,
                    tool_port_is_apart(port));
        entry->port = port;
        entry->function = &list->items[i];
        if (add_json(set, entry, &why)) {
            set->count++;
            continue;
        }
        /* What is too much is left out; the others still have their tools. */
        buffer_truncate(&set->json, before);
        log_warn("tool", "a function is left out", LOG_TEXT("tool", tool_port_config(port)->name),
                 LOG_TEXT("function", list->items[i].name), LOG_TEXT("reason", why.message));
    }
    return true;
}

bool tool_set_build(struct tool_set *set, struct tool_port *const *ports, size_t port_count,
                    struct error *err)
{
    memset(set, 0, sizeof *set);
    buffer_init(&set->json, TOOLS_MAX_BYTES + 1); /* and the last bracket */
    set->lists = calloc(port_count + 1, sizeof *set->lists);
    if (set->lists == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the tools");
    for (size_t i = 0; i < port_count; i++) {
        struct tool_functions *list = tool_port_functions(ports[i], NULL);

        if (list != NULL && !add_list(set, ports[i], list, err))
            return false;
    }
    return set->json.len == 0 || buffer_add_char(&set->json, ']', err);
}

void tool_set_clear(struct tool_set *set)
{
    for (size_t i = 0; i < set->list_count; i++)
        tool_functions_free(set->lists[i]);
    free(set->lists);
    free(set->entries);
    buffer_clear(&set->json);
    memset(set, 0, sizeof *set);
}

void tool_set_names(const struct tool_set *set, char *out, size_t out_size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < set->count && used < out_size; i++) {
        int written =
            snprintf(out + used, out_size - used, "%s%s", i == 0 ? "" : ", ", set->entries[i].name);

        used += written > 0 ? (size_t)written : 0;
    }
}
