/* The instances of an inline tool on one worker: one, or one for each user. */
#include "plugin/engine_set.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "credential/subject.h"
#include "plugin/tool_host.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define USER_MAX_COUNT 64

struct entry {
    struct entry *next;
    char name[sizeof((struct subject *)0)->name];
    struct tool_engine *engine;
    bool has_stopped;
};

struct engine_set {
    struct tool_host *host;
    struct plugin_home home;
    void (*on_changed)(void *arg);
    void *arg;
    struct tool_engine *first;
    struct entry *users; /* the most recently used first */
    size_t user_count;
    struct entry *leaving; /* asked to stop */
    size_t stopping;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

static struct tool_engine *make_engine(struct engine_set *set, struct error *err)
{
    const struct tool_host *host = set->host;
    CLEANUP(json_cleanup)
    struct json_object *config =
        json_parse(host->config_text, strlen(host->config_text), JSON_DEPTH_DEFAULT, err);
    struct instance_options options = {.library = host->options.library,
                                       .home = set->home,
                                       .watch = host->options.watch,
                                       .tool = host->options.config,
                                       .program = host->options.program,
                                       .name = host->options.config->name,
                                       .config = config};

    return config == NULL ? NULL
                          : tool_engine_new(&options, host->options.result_max_bytes,
                                            set->on_changed, set->arg, err);
}

struct engine_set *engine_set_new(struct tool_host *host, const struct plugin_home *home,
                                  void (*on_changed)(void *arg), void *arg, struct error *err)
{
    struct engine_set *set = calloc(1, sizeof *set);

    if (set == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool");
        return NULL;
    }
    set->host = host;
    set->home = *home;
    set->on_changed = on_changed;
    set->arg = arg;
    set->first = make_engine(set, err);
    if (set->first != NULL)
        return set;
    free(set);
    return NULL;
}

static void free_all(struct entry *entry)
{
    while (entry != NULL) {
        struct entry *next = entry->next;

        tool_engine_free(entry->engine);
        free(entry);
        entry = next;
    }
}

/* Not inside the plugin's own call: freed when the set is used next. */
static void on_left(void *arg)
{
    ((struct entry *)arg)->has_stopped = true;
}

static void free_left(struct engine_set *set)
{
    struct entry **link = &set->leaving;

    while (*link != NULL) {
        struct entry *entry = *link;

        if (!entry->has_stopped) {
            link = &entry->next;
            continue;
        }
        *link = entry->next;
        entry->next = NULL;
        free_all(entry);
    }
}

/* The least recently used one that is idle; when all are at work there may be more for a while. */
static void make_room(struct engine_set *set)
{
    struct entry **idle = NULL;
    struct entry *entry;

    for (struct entry **link = &set->users; *link != NULL; link = &(*link)->next)
        if (tool_engine_is_idle((*link)->engine))
            idle = link;
    if (set->user_count < USER_MAX_COUNT || idle == NULL)
        return;
    entry = *idle;
    *idle = entry->next;
    set->user_count--;
    entry->next = set->leaving;
    set->leaving = entry;
    tool_engine_stop(entry->engine, on_left, entry);
}

static struct entry *add_user(struct engine_set *set, const char *name, struct error *err)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool");
        return NULL;
    }
    memcpy(entry->name, name, sizeof entry->name);
    entry->engine = make_engine(set, err);
    if (entry->engine == NULL) {
        free(entry);
        return NULL;
    }
    set->user_count++;
    return entry;
}

struct tool_engine *engine_set_get(struct engine_set *set, const struct subject *subject,
                                   struct error *err)
{
    struct entry **link = &set->users;
    struct entry *entry;

    free_left(set);
    if (!set->host->is_users || subject == NULL)
        return set->first;
    while (*link != NULL && strcmp((*link)->name, subject->name) != 0)
        link = &(*link)->next;
    entry = *link;
    if (entry != NULL) {
        *link = entry->next;
    } else {
        make_room(set);
        entry = add_user(set, subject->name, err);
        if (entry == NULL)
            return NULL;
    }
    entry->next = set->users;
    set->users = entry;
    return entry->engine;
}

static void on_one_stopped(void *arg)
{
    struct engine_set *set = arg;

    if (--set->stopping == 0)
        set->on_stopped(set->stopped_arg);
}

void engine_set_stop(struct engine_set *set, void (*on_stopped)(void *arg), void *arg)
{
    set->on_stopped = on_stopped;
    set->stopped_arg = arg;
    set->stopping = 1 + set->user_count;
    for (struct entry *entry = set->users; entry != NULL; entry = entry->next)
        tool_engine_stop(entry->engine, on_one_stopped, set);
    tool_engine_stop(set->first, on_one_stopped, set);
}

void engine_set_free(struct engine_set *set)
{
    if (set == NULL)
        return;
    free_all(set->users);
    free_all(set->leaving);
    tool_engine_free(set->first);
    free(set);
}
