/* Checks of the manifest beside the library, and of its agreement with the descriptor. */
#include "check/check.h"

#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"
#include "check/loaded.h"
#include "check/words.h"
#include "config/source.h"
#include "net/http_client.h"
#include "plugin/catalogue.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void is_valid(struct check *check)
{
    if (check->target->manifest == NULL)
        check_fail(check, "%s", check->target->manifest_error.message);
}

static struct json_object *read_manifest(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    struct error err = {0};
    size_t len;
    char *text = config_read_file(manifest->path, &len, &err);
    struct json_object *json =
        text == NULL ? NULL : json_parse(text, len, JSON_DEPTH_DEFAULT, &err);

    if (json == NULL)
        check_fail(check, "%s", err.message);
    return json;
}

static void has_known_members(struct check *check)
{
    static const char *const known[] = {"id",         "file",    "version", "description",
                                        "interfaces", "serves",  "origins", "identities",
                                        "placement",  "presets", "profile", NULL};
    struct json_object *json = read_manifest(check);

    json_object_object_foreach(json, name, value)
    {
        (void)value;
        if (!words_have(known, name))
            check_fail(check, "it has a member \"%.60s\", which means nothing", name);
    }
}

static void has_id(struct check *check)
{
    const char *why = words_id_fault(check_manifest(check)->id);

    if (why != NULL)
        check_fail(check, "\"id\": %s", why);
}

static void names_the_file(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);

    if (strcmp(manifest->file, check->target->name) != 0)
        check_fail(check, "\"file\" is \"%.100s\", but the library is %.100s", manifest->file,
                   check->target->name);
}

static void has_mode(struct check *check)
{
    struct stat found;

    if (stat(check_manifest(check)->path, &found) != 0)
        check_fail(check, "it cannot be looked at");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        check_fail(check, "%s has mode %04o", check->target->manifest->path,
                   (unsigned)found.st_mode & 07777);
}

static void agrees_on_id(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    const struct sesame_plugin *plugin = check_descriptor(check);

    if (strcmp(plugin->id, manifest->id) != 0)
        check_fail(check, "the manifest says \"%s\", the descriptor \"%.64s\"", manifest->id,
                   plugin->id);
}

static void agrees_on_version(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    const struct sesame_plugin *plugin = check_descriptor(check);

    if (strcmp(plugin->version, manifest->version) != 0)
        check_fail(check, "the manifest says \"%.60s\", the descriptor \"%.60s\"",
                   manifest->version, plugin->version);
}

static void has_description(struct check *check)
{
    const char *text = check_manifest(check)->description;
    const char *why = words_text_fault(text, strlen(text), 300);

    if (why != NULL)
        check_fail(check, "\"description\" %s", why);
}

static void agrees_on_interfaces(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    const struct sesame_plugin *plugin = check_descriptor(check);

    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (!words_have(plugin->offers, *offered))
            check_fail(check, "the manifest names %.60s, which the descriptor does not offer",
                       *offered);
    for (const char *const *offered = plugin->offers; *offered != NULL; offered++) {
        char **named = manifest->interfaces;

        while (*named != NULL && strcmp(*named, *offered) != 0)
            named++;
        if (*named == NULL)
            check_fail(check, "the descriptor offers %.60s, which the manifest does not name",
                       *offered);
    }
}

static void has_known_interfaces(struct check *check)
{
    for (char **offered = check_manifest(check)->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, SESAME_TOOL_V1) != 0 &&
            strcmp(*offered, SESAME_CREDENTIAL_PROVIDER_V1) != 0)
            check_fail(check, "\"interfaces\" names %.60s, which this host does not know",
                       *offered);
}

static bool is_tool(const struct plugin_manifest *manifest)
{
    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, SESAME_CREDENTIAL_PROVIDER_V1) == 0)
            return false;
    return true;
}

static void names_a_placement(struct check *check)
{
    if (check_manifest(check)->placement == PLACEMENT_DEFAULT)
        check_fail(check, "\"placement\" is missing");
}

static void has_a_fitting_placement(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);

    if (manifest->placement == PLACEMENT_PROCESS && !is_tool(manifest))
        check_fail(check, "\"placement\" is process, where no credential provider can be");
}

static void has_good_origins(struct check *check)
{
    for (char **origin = check_manifest(check)->origins; *origin != NULL; origin++) {
        char sample[300], found[300];
        struct error err = {0};
        size_t len = strlen(*origin);
        const char *slashes = strstr(*origin, "://");

        if (len >= sizeof sample)
            check_fail(check, "\"origins\": one has %zu bytes", len);
        for (size_t i = 0; i <= len; i++)
            sample[i] = (*origin)[i] == '*' ? 'a' : (*origin)[i];
        if (slashes == NULL || strpbrk(slashes + 3, "/?#") != NULL)
            check_fail(check, "\"origins\": \"%.100s\" has a path, expected scheme and host only",
                       *origin);
        if (!url_origin(sample, len, found, sizeof found, &err))
            check_fail(check, "\"origins\": \"%.100s\": %.200s", *origin, err.message);
        if (strncmp(*origin, "https://", 8) != 0 && !url_is_metadata(*origin))
            check_fail(check, "\"origins\": \"%.100s\" is not https", *origin);
    }
}

static void has_bounded_origins(struct check *check)
{
    for (char **origin = check_manifest(check)->origins; *origin != NULL; origin++) {
        const char *star = strrchr(*origin, '*');
        const char *rest = star == NULL ? NULL : strchr(star, '.');

        /* "*.com" would be half of the internet. */
        if (star != NULL && (rest == NULL || strchr(rest + 1, '.') == NULL))
            check_fail(check, "\"origins\": \"%.100s\" leaves the owner of the host open", *origin);
    }
}

static void leaves_origins_to_the_operator(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);

    if (is_tool(manifest) && manifest->origins[0] != NULL)
        check_fail(check, "\"origins\" is set, but the plugin is a tool");
}

static void serves_as_a_provider(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);

    if (is_tool(manifest) &&
        (manifest->authn_methods[0] != NULL || manifest->plugin_names[0] != NULL))
        check_fail(check, "\"serves\" is set, but the plugin is a tool");
}

static void has_known_identities(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);

    for (char **identity = manifest->identities; *identity != NULL; identity++)
        if (strcmp(*identity, "machine") != 0 && strcmp(*identity, "user") != 0)
            check_fail(check, "\"identities\" names \"%.60s\", expected machine or user",
                       *identity);
    if (is_tool(manifest) && manifest->identities[0] != NULL)
        check_fail(check, "\"identities\" is set, but the plugin is a tool");
}

/* A preset is a part of a configuration: what it has must be right, what it lacks the operator
 * gives. */
static void check_preset(struct check *check, struct json_object *properties, const char *preset,
                         struct json_object *members)
{
    if (!json_object_is_type(members, json_type_object))
        check_fail(check, "the preset \"%.60s\" is no object", preset);
    json_object_object_foreach(members, name, value)
    {
        struct json_object *property;
        struct json_schema *schema;
        struct error err = {0};

        if (properties == NULL || !json_object_object_get_ex(properties, name, &property))
            check_fail(check, "the preset \"%.60s\" sets \"%.60s\", which the schema does not have",
                       preset, name);
        schema = json_schema_new(property, &err);
        if (schema == NULL || !json_schema_check(schema, value, &err))
            check_fail(check, "the preset \"%.60s\": \"%.60s\": %.300s", preset, name, err.message);
        json_schema_free(schema);
    }
}

static void has_good_presets(struct check *check)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    struct json_object *schema = check_schema(check);

    if (manifest->presets == NULL)
        check_skip(check, "the manifest has no presets");
    json_object_object_foreach(manifest->presets, preset, members)
    {
        check_preset(check, json_get_object(schema, "properties"), preset, members);
    }
}

static const struct check_case cases[] = {
    {"manifest.valid",
     "Beside the library lies its manifest, `<id>.json`, which the host can read.",
     "Without it the host does not know what the plugin serves, and never opens it. "
     "doc/architecture.md says what is in it.",
     CHECK_ANY, CHECK_ONCE, is_valid},
    {"manifest.members", "The manifest has no member that the host does not know.",
     "A typing error would be ignored silently.", CHECK_ANY, CHECK_ONCE, has_known_members},
    {"manifest.id", "The id is 1 to 64 of `a-z`, `0-9` and `-`.",
     "It is the name in configurations, logs and metrics.", CHECK_ANY, CHECK_ONCE, has_id},
    {"manifest.file", "`file` names the library.", "The host opens this file and no other.",
     CHECK_ANY, CHECK_ONCE, names_the_file},
    {"manifest.mode", "Nobody but its owner can write the manifest.",
     "It says which origins a credential provider may call. Run `chmod go-w`.", CHECK_ANY,
     CHECK_ONCE, has_mode},
    {"manifest.same-id", "Manifest and descriptor have the same id.",
     "The host refuses the plugin else.", CHECK_ANY, CHECK_ONCE, agrees_on_id},
    {"manifest.same-version", "Manifest and descriptor have the same version.",
     "`plugin list` shows the manifest's, the log the descriptor's.", CHECK_ANY, CHECK_ONCE,
     agrees_on_version},
    {"manifest.description", "The description is plain text of at most 300 bytes.",
     "It is printed by `plugin list`: no control characters, no marks that turn text around.",
     CHECK_ANY, CHECK_ONCE, has_description},
    {"manifest.same-interfaces", "Manifest and descriptor name the same interfaces.",
     "The host picks by the manifest and asks the descriptor.", CHECK_ANY, CHECK_ONCE,
     agrees_on_interfaces},
    {"manifest.known-interfaces", "All interfaces it names are known to this host.",
     "`sesame.tool/1` and `sesame.credential-provider/1` are.", CHECK_ANY, CHECK_ONCE,
     has_known_interfaces},
    {"manifest.placement", "It says where the plugin may be placed.",
     "`inline` when it never blocks, `thread` when it may, `process` when it is not to be trusted. "
     "Without it every operator must find out.",
     CHECK_ANY, CHECK_ONCE, names_a_placement},
    {"manifest.provider-placement", "A credential provider is not placed in a process.",
     "Providers handle secrets, which never go into a plugin's process.", CHECK_ANY, CHECK_ONCE,
     has_a_fitting_placement},
    {"manifest.origins", "Each origin is `https://host`, without a path.",
     "The host compares scheme, host and port and nothing else. Plain http is for the cloud's "
     "metadata address.",
     CHECK_ANY, CHECK_ONCE, has_good_origins},
    {"manifest.origins-bounded", "An origin with `*` still says to whom it belongs.",
     "At least two labels must stand behind the last `*`.", CHECK_ANY, CHECK_ONCE,
     has_bounded_origins},
    {"manifest.tool-origins", "A tool names no origins.",
     "What a tool may call is in the operator's configuration alone; a list here does nothing.",
     CHECK_ANY, CHECK_ONCE, leaves_origins_to_the_operator},
    {"manifest.serves", "Only a credential provider says what it serves.",
     "`serves` picks the provider of the IDaaS file.", CHECK_ANY, CHECK_ONCE, serves_as_a_provider},
    {"manifest.identities", "Identities are `machine` or `user`, of a credential provider.",
     "They say as whom a provider can act.", CHECK_ANY, CHECK_ONCE, has_known_identities},
    {"manifest.presets", "Each preset sets members of the schema to values that it allows.",
     "A preset that does not fit would fail for every operator who uses it.", CHECK_ANY, CHECK_ONCE,
     has_good_presets},
};

const struct check_group check_group_manifest = {"manifest", "The manifest", cases,
                                                 sizeof cases / sizeof cases[0]};
