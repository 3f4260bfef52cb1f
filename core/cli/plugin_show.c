/* What a plugin asks for, and what the operator's configuration grants it. */
#include "cli/plugin_show.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "config/host_config.h"
#include "plugin/catalogue.h"
#include "plugin/plugin_config.h"

#include <json-c/json.h>
#include <sesame/tool.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 8

/* Ends with NULL; nothing of an empty one is printed. */
static void print_list(const char *label, const char *const *items)
{
    if (items[0] == NULL)
        return;
    printf("  %-12s", label);
    for (size_t i = 0; items[i] != NULL; i++)
        printf("%s%s", i == 0 ? "" : ", ", items[i]);
    printf("\n");
}

/* ---- what it is ------------------------------------------------------------------------------ */

static void print_manifest(const struct plugin_manifest *manifest)
{
    printf("%s %s: %s\n", manifest->id, manifest->version, manifest->description);
    printf("  %-12s%s/%s\n", "file", manifest->directory, manifest->file);
    print_list("interfaces", (const char *const *)manifest->interfaces);
    print_list("authnMethod", (const char *const *)manifest->authn_methods);
    print_list("pluginName", (const char *const *)manifest->plugin_names);
    printf("  %-12s%s\n", "placement", placement_text(manifest->placement));
    if (manifest->presets == NULL)
        return;
    json_object_object_foreach(manifest->presets, name, preset)
    {
        printf("  %-12s%s: %s\n", "preset", name, json_object_to_json_string(preset));
    }
}

/* Whoever only looks at a tool runs nothing of it. */
static struct plugin_library *open_library(struct plugin_catalogue *catalogue,
                                           const struct plugin_manifest *manifest,
                                           struct error *err)
{
    CLEANUP(cleanup_free) char *sandbox = locate_sandbox();

    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, SESAME_TOOL_V1) != 0)
            return plugin_library_open(catalogue, manifest, err);
    return plugin_library_open_apart(catalogue, manifest, sandbox == NULL ? "" : sandbox, err);
}

/* ---- what it asks for ------------------------------------------------------------------------ */

static const struct {
    const char *mark, *what;
} marks[] = {
    {"x-credential", "the credential named by"},
    {"x-origin", "requests to the origin in"},
    {"x-secret", "the secret named by"},
    {"x-program", "to run the program in"},
};

/* Prints each member of the configuration that grants something, at whatever depth. */
static bool print_marks(struct json_object *schema, const char *at, int depth)
{
    struct json_object *properties = json_get_object(schema, "properties");
    struct json_object *items = json_get_object(schema, "items");
    struct json_object *found;
    char pointer[256];
    bool has_any = false;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (json_object_object_get_ex(schema, marks[i].mark, &found)) {
            printf("  %s %s\n", marks[i].what, at);
            has_any = true;
        }
    if (depth == DEPTH_MAX)
        return has_any;
    if (items != NULL && snprintf(pointer, sizeof pointer, "%s[]", at) < (int)sizeof pointer)
        has_any = print_marks(items, pointer, depth + 1) || has_any;
    if (properties == NULL)
        return has_any;
    json_object_object_foreach(properties, name, property)
    {
        if (json_object_is_type(property, json_type_object) &&
            snprintf(pointer, sizeof pointer, "%s.%s", at, name) < (int)sizeof pointer)
            has_any = print_marks(property, pointer, depth + 1) || has_any;
    }
    return has_any;
}

static void print_asked(const struct plugin_manifest *manifest,
                        const struct plugin_library *library)
{
    bool has_any;

    printf("asks for\n");
    print_list("services", plugin_library_needs(library));
    print_list("origins", (const char *const *)manifest->origins);
    has_any = print_marks(plugin_library_schema(library), "config", 0);
    if (manifest->wants_program)
        printf("  one program to run, which tools.NAME.program grants\n");
    if (!has_any && !manifest->wants_program && manifest->origins[0] == NULL)
        printf("  no credential, origin, secret or program\n");
}

/* ---- what it was granted --------------------------------------------------------------------- */

static enum placement placement_of(const struct host_config *config,
                                   const struct plugin_manifest *manifest,
                                   const struct tool_config *tool)
{
    enum placement placement = host_config_placement(config, manifest->id, tool);

    return placement == PLACEMENT_DEFAULT ? manifest->placement : placement;
}

/* The plugin's own origins: those that the marked members of its configuration hold. */
static bool print_origin(void *arg, const char *pointer, const char *kind, const char *value,
                         struct error *err)
{
    (void)arg;
    (void)kind;
    (void)err;
    printf("    origin      %s (config%s)\n", value, pointer);
    return true;
}

static void print_credential(const struct host_config *config, const char *name)
{
    const struct credential_config *credential = host_config_credential(config, name);

    printf("    credential  %s", name);
    for (size_t i = 0; credential != NULL && i < credential->origin_count; i++)
        printf("%s%s", i == 0 ? ", sent to " : ", ", credential->origins[i]);
    printf("%s\n", credential != NULL && credential->identity == IDENTITY_USER
                       ? ", of the signed-in user"
                       : "");
}

static void print_tool(const struct host_config *config, const struct plugin_manifest *manifest,
                       const struct plugin_library *library, const struct tool_config *tool)
{
    CLEANUP(json_cleanup) struct json_object *own = NULL;
    enum placement placement = placement_of(config, manifest, tool);
    struct error ignored = {0}, also_ignored = {0};

    printf("  tools.%s: placement %s%s%s\n", tool->name, placement_text(placement),
           placement == PLACEMENT_PROCESS
               ? tool->is_isolation_required ? ", isolation required" : ", isolation best-effort"
               : "",
           tool->is_required ? ", required" : "");
    for (size_t i = 0; i < tool->credential_count; i++)
        print_credential(config, tool->credentials[i]);
    for (size_t i = 0; i < tool->origin_count; i++)
        printf("    origin      %s\n", tool->origins[i]);
    own = json_parse(tool->config_json, strlen(tool->config_json), JSON_DEPTH_DEFAULT, &ignored);
    if (own != NULL)
        (void)plugin_config_each(library, own, "x-origin", print_origin, NULL, &also_ignored);
    if (tool->program.path[0] != '\0')
        printf("    program     %s\n", tool->program.path);
}

static void print_trust(const struct host_config *config, const struct plugin_manifest *manifest)
{
    const struct plugin_config *own = host_config_plugin(config, manifest->id);
    bool must_be_signed =
        own == NULL ? config->plugins.default_must_be_signed : own->must_be_signed;

    if (own != NULL && own->sha256[0] != '\0')
        printf("  digest      held against %s\n", own->sha256);
    else
        printf("  digest      not held against any\n");
    printf("  signature   %s\n", must_be_signed ? "demanded of a trusted key" : "not demanded");
}

static void print_granted(const struct host_config *config, const struct plugin_manifest *manifest,
                          const struct plugin_library *library)
{
    bool is_used = false;

    printf("granted by %s\n", config->is_built_in ? "the built-in default" : config->file);
    for (size_t i = 0; i < config->tool_count; i++)
        if (strcmp(config->tools[i].plugin, manifest->id) == 0) {
            print_tool(config, manifest, library, &config->tools[i]);
            is_used = true;
        }
    for (size_t i = 0; i < config->provider_count; i++)
        if (strcmp(config->providers[i].plugin, manifest->id) == 0) {
            printf("  credential_providers.%s\n", config->providers[i].name);
            is_used = true;
        }
    if (!is_used)
        printf("  nothing: no tool and no credential provider there names it%s\n",
               manifest->authn_methods[0] != NULL ? "; an IDaaS file may pick it" : "");
    print_trust(config, manifest);
}

int plugin_show(struct plugin_catalogue *catalogue, const struct plugin_manifest *manifest,
                const struct host_config *config)
{
    struct plugin_library *library;
    struct error err = {0};

    print_manifest(manifest);
    library = open_library(catalogue, manifest, &err);
    if (library == NULL) {
        fprintf(stderr, "sesame: it does not load: %s\n", err.message);
        return EXIT_FAILED;
    }
    print_asked(manifest, library);
    if (config != NULL)
        print_granted(config, manifest, library);
    else
        printf("granted\n  nothing: there is no configuration\n");
    printf(
        "configuration schema:\n%s\n",
        json_object_to_json_string_ext(plugin_library_schema(library),
                                       JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    return EXIT_DONE;
}
