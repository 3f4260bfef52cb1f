/* Makes and frees a plugin instance in the host's own process. */
#include "plugin/instance.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "config/source.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/granted_program.h"
#include "plugin/plugin_config.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <sesame/program.h>
#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_MAX_BYTES (256 * 1024)

/* ---- services by id -------------------------------------------------------------------------- */

static const struct {
    const char *id;
    const void *table;
    bool for_tools, for_providers;
} services[] = {
    {SESAME_LOG_V1, &service_log, true, true},
    {SESAME_CLOCK_V1, &service_clock, true, true},
    {SESAME_RANDOM_V1, &service_random, true, true},
    {SESAME_LOOP_V1, &service_loop, true, true},
    {SESAME_JSON_V1, &service_json, true, true},
    {SESAME_SSE_V1, &service_sse, true, true},
    {SESAME_HTTP_V1, &service_http, true, true},
    {SESAME_PROGRAM_V1, &service_program, true, false},
    {SESAME_CREDENTIALS_V1, &service_credentials, true, false},
    {SESAME_SECRET_V1, &service_secret, false, true},
    {SESAME_SIGN_V1, &service_sign, false, true},
    {SESAME_PLATFORM_CREDENTIALS_V1, &service_platform_credentials, false, true},
    {SESAME_TOOL_HOST_V1, &service_tool_host, true, false},
    {SESAME_CREDENTIAL_PROVIDER_HOST_V1, &service_provider_host, false, true},
};

static const void *get_service(const struct sesame_host *host, const char *id)
{
    struct plugin_instance *instance = instance_enter(host);

    if (instance == NULL || id == NULL)
        return NULL;
    if (strcmp(id, SESAME_PROGRAM_V1) == 0 && instance->program == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcmp(services[i].id, id) == 0 &&
            (instance->tool != NULL ? services[i].for_tools : services[i].for_providers))
            return services[i].table;
    return NULL;
}

const char *plugin_service_name(size_t index, bool for_tools)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if ((for_tools ? services[i].for_tools : services[i].for_providers) && index-- == 0)
            return services[i].id;
    return NULL;
}

/* ---- origins and secrets of the configuration ------------------------------------------------ */

static bool grant(void *arg, const char *pointer, const char *kind, const char *url,
                  struct error *err)
{
    struct plugin_instance *instance = arg;
    char origin[300];
    char **grown;

    (void)kind;
    if (!url_origin(url, strlen(url), origin, sizeof origin, err))
        return error_prefix(err, "%s%s.config%s", instance->tool != NULL ? "tools." : "",
                            instance->name, pointer);
    grown = realloc(instance->origins, (instance->origin_count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for an origin");
    instance->origins = grown;
    grown[instance->origin_count] = strdup(origin);
    if (grown[instance->origin_count] == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for an origin");
    instance->origin_count++;
    return true;
}

/* `pattern` as a manifest writes it: '*' stands for one label of the host, the port is written only
 * when it is not the scheme's own. */
static bool origin_matches(const char *pattern, const char *origin)
{
    const char *port = strncmp(pattern, "https://", 8) == 0 ? ":443" : ":80";

    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '*') {
            if (*origin++ != *pattern)
                return false;
            continue;
        }
        if (*origin == '\0' || *origin == '.' || *origin == ':')
            return false;
        origin += strcspn(origin, ".:");
    }
    return *origin == '\0' || strcmp(origin, port) == 0;
}

bool instance_grants(const struct plugin_instance *instance, struct slice url, struct error *err)
{
    char origin[300];

    if (!url_origin(url.data, url.len, origin, sizeof origin, err))
        return false;
    for (size_t i = 0; i < instance->origin_count; i++)
        if (strcmp(instance->origins[i], origin) == 0)
            return true;
    if (instance->tool == NULL)
        for (char **own = instance->library->manifest->origins; *own != NULL; own++)
            if (origin_matches(*own, origin))
                return true;
    return error_set_named(err, ERROR_DENIED, "OriginNotAllowed",
                           "%s may not call %s: the origin is neither in its configuration nor in "
                           "its \"origins\"",
                           instance->name, origin);
}

static bool keep_secret(void *arg, const char *pointer, const char *kind, const char *value,
                        struct error *err)
{
    struct plugin_instance *instance = arg;
    struct instance_secret *grown =
        realloc(instance->secrets, (instance->secret_count + 1) * sizeof *grown);
    struct instance_secret *item;
    bool is_file = strcmp(kind, "file") == 0;

    if (grown == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a secret's name");
    instance->secrets = grown;
    item = &grown[instance->secret_count++];
    *item = (struct instance_secret){.pointer = strdup(pointer)};
    *(is_file ? &item->file : &item->variable) = config_expand_home(value, config_source_process());
    if (item->pointer == NULL || (is_file ? item->file : item->variable) == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a secret's name");
    if (!is_file)
        item->secret = secret_from_environment(value, err);
    return err->code == ERROR_NONE;
}

static void free_secrets(struct plugin_instance *instance)
{
    for (size_t i = 0; i < instance->secret_count; i++) {
        free(instance->secrets[i].pointer);
        free(instance->secrets[i].file);
        free(instance->secrets[i].variable);
        secret_free(instance->secrets[i].secret);
    }
    free(instance->secrets);
}

static bool read_marks(struct plugin_instance *instance, struct error *err)
{
    if (!plugin_config_each(instance->library, instance->config, "x-origin", grant, instance, err))
        return false;
    if (instance->tool == NULL)
        return plugin_config_each(instance->library, instance->config, "x-secret", keep_secret,
                                  instance, err);
    for (size_t i = 0; i < instance->tool->origin_count; i++)
        if (!grant(instance, "origins", "", instance->tool->origins[i], err))
            return false;
    return true;
}

/* ---- making and ending ----------------------------------------------------------------------- */

static bool check_needs(struct plugin_instance *instance, struct error *err)
{
    for (const char *const *need = instance->library->descriptor->needs; *need != NULL; need++)
        if (get_service(&instance->host, *need) == NULL)
            return error_set_named(err, ERROR_NOT_FOUND, "PluginNeedsService",
                                   "%s needs the service %.60s, which this host does not offer it",
                                   instance->name, *need);
    return true;
}

static bool create(struct plugin_instance *instance, struct error *err)
{
    CLEANUP(cleanup_free) char *config = json_text(instance->config, err);
    struct sesame_instance *made = NULL;
    int32_t status;

    if (config == NULL)
        return false;
    status = instance->library->descriptor->create(&instance->host, text_of(config), &made);
    if (status == SESAME_OK && made != NULL) {
        instance->plugin = made;
        return true;
    }
    return error_set_named(err, status == SESAME_OK ? ERROR_INTERNAL : error_of_status(status),
                           instance->explained.name, "%s cannot be started: %s", instance->name,
                           instance->explained.message[0] != '\0' ? instance->explained.message
                           : status == SESAME_OK                  ? "create gave no instance"
                                                                  : "it gives no reason");
}

struct plugin_instance *instance_new(const struct instance_options *options, struct error *err)
{
    struct plugin_instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
        return NULL;
    }
    instance->host = (struct sesame_host){"sesame", PACKAGE_VERSION, get_service};
    instance->library = options->library;
    instance->home = options->home;
    instance->watch = options->watch;
    instance->may_block = options->may_block;
    instance->tool = options->tool;
    instance->program = granted_program_ref(options->program);
    instance->thread = pthread_self();
    instance->config = json_object_get(options->config);
    instance->owner = options->owner;
    buffer_init(&instance->scratch, SCRATCH_MAX_BYTES);
    instance->name = strdup(options->name);
    instance->gate = post_gate_new(instance);
    if (instance->name == NULL || instance->gate == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
    else if (read_marks(instance, err) && check_needs(instance, err) && create(instance, err))
        return instance;
    instance_free(instance);
    return NULL;
}

void instance_free(struct plugin_instance *instance)
{
    if (instance == NULL)
        return;
    post_gate_close(instance->gate);
    loop_timer_free(instance->stop_timer);
    service_loop_close(instance);
    service_http_close(instance);
    service_program_close(instance);
    service_sse_close(instance);
    if (instance->plugin != NULL)
        instance->library->descriptor->destroy(instance->plugin);
    service_secret_close(instance);
    service_sign_close(instance);
    handle_table_clear(&instance->handles);
    for (size_t i = 0; i < instance->origin_count; i++)
        free(instance->origins[i]);
    free(instance->origins);
    free_secrets(instance);
    buffer_clear(&instance->scratch);
    json_object_put(instance->config);
    granted_program_free(instance->program);
    free(instance->name);
    free(instance);
}
