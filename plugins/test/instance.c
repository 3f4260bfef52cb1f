/* Plugins under test: loaded, configured, created and ended as the host does it. */
#include "script.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "plugin/descriptor.h"
#include "plugin/plugin_config.h"
#include "plugin/provider_engine.h"
#include "plugin/tool_engine.h"
#include "plugin/tool_functions.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX_BYTES ((int64_t)8 << 20)
#define STOP_MAX_MS 2000

/* ---- the library ----------------------------------------------------------------------------- */

const struct sesame_plugin *sesame_test_load(struct sesame_test_host *host, const char *path)
{
    const struct sesame_plugin *plugin;
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* kept: its number names the library */

    error_clear(&host->err);
    if (fd < 0) {
        error_set(&host->err, ERROR_NOT_FOUND, "%s cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    plugin = plugin_descriptor_load(fd, &host->err);
    if (plugin == NULL)
        error_prefix(&host->err, "%s", path);
    return plugin;
}

static char **copy_list(const char *const *list)
{
    char **copy = NULL;
    size_t count = 0;

    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        *(char **)script_grow(&copy, &count, sizeof *copy) = script_text(list[i]);
    *(char **)script_grow(&copy, &count, sizeof *copy) = NULL;
    return copy;
}

static void free_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        free(*item);
    free(list);
}

static size_t list_len(char **list)
{
    size_t len = 0;

    while (list[len] != NULL)
        len++;
    return len;
}

static char *text_or(const char *text, const char *otherwise)
{
    return script_text(text == NULL ? otherwise : text);
}

/* What a manifest without any extras says of this plugin. */
static struct plugin_manifest *plain_manifest(const struct sesame_plugin *plugin)
{
    struct plugin_manifest *manifest = script_alloc(sizeof *manifest);

    manifest->id = text_or(plugin->id, "");
    manifest->path = script_text("");
    manifest->directory = script_text("");
    manifest->file = script_text("");
    manifest->version = text_or(plugin->version, "");
    manifest->description = text_or(plugin->description, "");
    manifest->interfaces = copy_list(plugin->offers);
    manifest->authn_methods = copy_list(NULL);
    manifest->plugin_names = copy_list(NULL);
    manifest->origins = copy_list(NULL);
    manifest->identities = copy_list(NULL);
    return manifest;
}

static struct plugin_manifest *read_manifest(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(cleanup_free)
    char *folder =
        slash == NULL ? script_text(".") : script_bytes(path, (size_t)(slash - path) + 1);

    return plugin_manifest_read(folder, slash == NULL ? path : slash + 1, err);
}

/* ---- making ---------------------------------------------------------------------------------- */

/* In the place of the plugin's `create`: it gets a host that notes what it does. */
static int32_t create_recorded(const struct sesame_host *host, struct sesame_text config,
                               struct sesame_instance **out_instance)
{
    struct sesame_test_instance *instance = test_host_making();
    struct recorded_host *recorded = script_alloc(sizeof *recorded);
    struct sesame_test_host *test = instance->test;

    recorded->host = (struct sesame_host){host->name, host->version, recorded_get_service};
    recorded->test = test;
    recorded->instance = instance;
    recorded->inner = host;
    recorded->withheld = (const char *const *)instance->withheld;
    recorded->next = test->recorded;
    test->recorded = recorded;
    instance->recorded = recorded;
    memcpy(&instance->inner, &host, sizeof instance->inner); /* the host is its first member */
    return instance->plugin->create(&recorded->host, config, out_instance);
}

static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    const struct sesame_test_instance *instance = arg;

    (void)plugin_id;
    test_host_fault(instance->test, kind, instance->name);
}

static void on_changed(void *arg)
{
    struct sesame_test_instance *instance = arg;

    instance->changed_count++;
    instance->is_outdated = true;
}

static bool check_needs(const struct sesame_test_instance *instance, struct error *err)
{
    for (const char *const *need = instance->plugin->needs; *need != NULL; need++)
        for (char **withheld = instance->withheld; *withheld != NULL; withheld++)
            if (strcmp(*need, *withheld) == 0)
                return error_set_named(
                    err, ERROR_NOT_FOUND, "PluginNeedsService",
                    "%s needs the service %.60s, which this host does not offer it", instance->name,
                    *need);
    return true;
}

static bool make(struct sesame_test_instance *instance, const struct sesame_test_options *options,
                 bool is_tool, struct error *err)
{
    struct sesame_test_host *test = instance->test;
    CLEANUP(json_cleanup)
    struct json_object *config = plugin_config_prepare(
        &instance->library, options->config == NULL ? "{}" : options->config,
        is_tool ? PLUGIN_ENVIRONMENT_UNSEEN : PLUGIN_ENVIRONMENT_SEEN, instance->name, err);
    struct instance_options made = {
        .library = &instance->library,
        .home = test->home,
        .watch = {.on_misbehaviour = on_misbehaviour, .arg = instance, .platform = test->platform},
        .may_block = options->may_block != 0,
        .tool = is_tool ? &instance->tool : NULL,
        .program = options->has_program ? script_program_grant(test->program) : NULL,
        .name = instance->name,
        .config = config};

    if (config == NULL || (is_tool && !plugin_config_check_credentials(&instance->library, config,
                                                                       &instance->tool, err)))
        return false;
    test->making = instance;
    if (is_tool)
        instance->tools = tool_engine_new(&made, RESULT_MAX_BYTES, on_changed, instance, err);
    else
        instance->provider = provider_engine_new(&made, err);
    test->making = NULL;
    return instance->tools != NULL || instance->provider != NULL;
}

static bool open_instance(struct sesame_test_instance *instance,
                          const struct sesame_test_options *options, bool is_provider,
                          struct error *err)
{
    const struct sesame_plugin *plugin = instance->plugin;

    instance->manifest =
        options->manifest == NULL ? plain_manifest(plugin) : read_manifest(options->manifest, err);
    if (instance->manifest == NULL)
        return false;
    instance->library.manifest = instance->manifest;
    instance->library.descriptor = plugin;
    if (!plugin_library_check(&instance->library, instance->manifest->id, err))
        return false;
    instance->descriptor = *plugin;
    instance->descriptor.create = create_recorded;
    instance->library.descriptor = &instance->descriptor;
    if (!is_provider && !plugin_offers(&instance->library, SESAME_TOOL_V1))
        is_provider = true;
    if (is_provider && !plugin_offers(&instance->library, SESAME_CREDENTIAL_PROVIDER_V1))
        return error_set(err, ERROR_BAD_INPUT, "the plugin offers neither %s nor %s",
                         SESAME_TOOL_V1, SESAME_CREDENTIAL_PROVIDER_V1);
    return check_needs(instance, err) && make(instance, options, !is_provider, err);
}

static void free_instance(struct sesame_test_instance *instance)
{
    tool_functions_free(instance->functions);
    free(instance->shown);
    json_schema_free(instance->library.schema);
    json_object_put(instance->library.schema_json);
    plugin_manifest_free(instance->manifest);
    free_list(instance->credentials);
    free_list(instance->origins);
    if (instance->recorded != NULL) {
        instance->recorded->inner = NULL;
        instance->recorded->instance = NULL;
        instance->recorded->withheld = NULL;
    }
    free_list(instance->withheld);
    free(instance->name);
    free(instance);
}

static struct sesame_test_instance *create(struct sesame_test_host *host,
                                           const struct sesame_plugin *plugin,
                                           const struct sesame_test_options *options,
                                           bool is_provider)
{
    static const struct sesame_test_options none = {0};
    struct sesame_test_instance *instance = script_alloc(sizeof *instance);

    if (plugin == NULL)
        script_refuse("no plugin: %s", host->err.message);
    if (options == NULL)
        options = &none;
    error_clear(&host->err);
    instance->test = host;
    instance->plugin = plugin;
    instance->name = text_or(options->name == NULL ? plugin->id : options->name, "plugin");
    instance->withheld = copy_list(options->withheld);
    instance->credentials = copy_list(options->credentials);
    instance->origins = copy_list(options->origins);
    instance->tool = (struct tool_config){.name = instance->name,
                                          .plugin = instance->name,
                                          .credentials = instance->credentials,
                                          .credential_count = list_len(instance->credentials),
                                          .origins = instance->origins,
                                          .origin_count = list_len(instance->origins)};
    if (open_instance(instance, options, is_provider, &host->err)) {
        instance->next = host->instances;
        host->instances = instance;
        return instance;
    }
    free_instance(instance);
    return NULL;
}

struct sesame_test_instance *sesame_test_create(struct sesame_test_host *host,
                                                const struct sesame_plugin *plugin,
                                                const struct sesame_test_options *options)
{
    return create(host, plugin, options, false);
}

struct sesame_test_instance *sesame_test_create_provider(struct sesame_test_host *host,
                                                         const struct sesame_plugin *plugin,
                                                         const struct sesame_test_options *options)
{
    return create(host, plugin, options, true);
}

/* ---- handles --------------------------------------------------------------------------------- */

static size_t count_handles(const struct sesame_test_instance *instance, enum handle_kind kind)
{
    const struct handle_table *table = &instance->inner->handles;
    size_t count = 0;

    for (size_t i = 0; i < table->capacity; i++)
        count += table->slots[i].kind == kind;
    return count;
}

size_t sesame_test_open_handles(const struct sesame_test_instance *instance, const char *kind)
{
    static const char *const names[] = {
        [HANDLE_TIMER] = "timer",   [HANDLE_SSE] = "sse", [HANDLE_HTTP] = "http",
        [HANDLE_SECRET] = "secret", [HANDLE_KEY] = "key", [HANDLE_CALL] = "call",
        [HANDLE_RUN] = "run"};

    for (size_t i = HANDLE_TIMER; i <= HANDLE_CALL; i++)
        if (strcmp(names[i], kind) == 0)
            return count_handles(instance, (enum handle_kind)i);
    script_refuse("there are no handles of the kind \"%s\"", kind);
}

/* What a plugin may well hold for its whole life, but not more with each call. */
static size_t lasting_handles(const struct sesame_test_instance *instance)
{
    return count_handles(instance, HANDLE_SECRET) + count_handles(instance, HANDLE_KEY) +
           count_handles(instance, HANDLE_SSE);
}

void test_instance_settle(struct sesame_test_instance *instance)
{
    if (!instance->has_settled)
        instance->settled_handles = lasting_handles(instance);
    instance->has_settled = true;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void set_flag(void *flag)
{
    *(bool *)flag = true;
}

static void stop(struct sesame_test_instance *instance)
{
    struct sesame_test_host *test = instance->test;
    int64_t until_ms = script_clock_now_ms() + STOP_MAX_MS;
    bool has_stopped = false;

    if (instance->tools != NULL)
        tool_engine_stop(instance->tools, set_flag, &has_stopped);
    else
        provider_engine_stop(instance->provider, set_flag, &has_stopped);
    if (!test_host_run_until(test, script_clock_now_ms()))
        return;
    while (!has_stopped && script_loop_next_ms(test->loop) <= until_ms)
        if (!test_host_run_until(test, script_loop_next_ms(test->loop)))
            return;
}

void sesame_test_destroy(struct sesame_test_instance *instance)
{
    struct sesame_test_instance **link;

    if (instance == NULL)
        return;
    for (link = &instance->test->instances; *link != instance; link = &(*link)->next)
        ;
    test_calls_end(instance);
    stop(instance);
    if (instance->has_settled && lasting_handles(instance) > instance->settled_handles)
        test_host_fault(instance->test, "handles_left", instance->name);
    *link = instance->next;
    tool_engine_free(instance->tools);
    provider_engine_free(instance->provider);
    free_instance(instance);
}
