/* Checks of the descriptor, the constant that a plugin exports. */
#include "check/check.h"

#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"
#include "check/loaded.h"
#include "check/words.h"
#include "plugin/descriptor.h"
#include "plugin/instance.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX_COUNT 32

static bool is_offered(const char *id, bool for_tools)
{
    const char *name;

    for (size_t i = 0; (name = plugin_service_name(i, for_tools)) != NULL; i++)
        if (strcmp(name, id) == 0)
            return true;
    return false;
}

static void is_complete(struct check *check)
{
    struct error err = {0};

    if (!plugin_descriptor_check(check_raw_descriptor(check), &err))
        check_fail(check, "%s", err.message);
}

static void has_id(struct check *check)
{
    const char *why = words_id_fault(check_descriptor(check)->id);

    if (why != NULL)
        check_fail(check, "`id`: %s", why);
}

static void has_version(struct check *check)
{
    const char *text = check_descriptor(check)->version;
    const char *why = words_text_fault(text, strlen(text), 60);

    if (why != NULL)
        check_fail(check, "`version` %s", why);
    if (strcspn(text, " \t\n") != strlen(text))
        check_fail(check, "`version` is \"%.60s\", with a blank", text);
}

static void has_description(struct check *check)
{
    const char *text = check_descriptor(check)->description;
    const char *why = words_text_fault(text, strlen(text), 300);

    if (why != NULL)
        check_fail(check, "`description` %s", why);
    if (strchr(text, '\n') != NULL)
        check_fail(check, "`description` has more than one line");
}

static void has_json_schema(struct check *check)
{
    const char *text = check_descriptor(check)->config_schema;
    struct error err = {0};

    if (!json_check(text, strlen(text), JSON_DEPTH_DEFAULT, &err))
        check_fail(check, "`config_schema`: %s", err.message);
}

static void has_compiling_schema(struct check *check)
{
    struct error err = {0};

    if (json_schema_new(check_schema(check), &err) == NULL)
        check_fail(check, "`config_schema`: %s", err.message);
}

static void has_object_schema(struct check *check)
{
    const char *type = json_get_string(check_schema(check), "type", NULL);

    if (type == NULL || strcmp(type, "object") != 0)
        check_fail(check, "`config_schema` has the type %.40s, expected object",
                   type == NULL ? "none" : type);
}

/* ---- marks in the schema --------------------------------------------------------------------- */

static bool is_provider(const struct sesame_plugin *plugin)
{
    return words_have(plugin->offers, SESAME_CREDENTIAL_PROVIDER_V1);
}

static void check_marks(struct check *check, struct json_object *node, int depth, bool is_provider)
{
    const char *secret;

    if (depth > 32)
        return;
    if (json_object_is_type(node, json_type_array))
        for (size_t i = 0; i < json_object_array_length(node); i++)
            check_marks(check, json_object_array_get_idx(node, i), depth + 1, is_provider);
    if (!json_object_is_type(node, json_type_object))
        return;
    secret = json_get_string(node, "x-secret", NULL);
    json_object_object_foreach(node, name, value)
    {
        static const char *const marks[] = {"x-secret",  "x-origin", "x-credential",
                                            "x-program", "x-env",    NULL};

        if (strncmp(name, "x-", 2) == 0 && !words_have(marks, name))
            check_fail(check, "the mark \"%.40s\" means nothing", name);
        if (strcmp(name, "x-secret") == 0 &&
            (secret == NULL || (strcmp(secret, "env") != 0 && strcmp(secret, "file") != 0)))
            check_fail(check, "\"x-secret\" is neither \"env\" nor \"file\"");
        if (!is_provider && (strcmp(name, "x-program") == 0 || strcmp(name, "x-env") == 0 ||
                             strcmp(name, "x-secret") == 0))
            check_fail(check, "\"%.40s\" is for credential providers only", name);
        check_marks(check, value, depth + 1, is_provider);
    }
}

static void has_good_marks(struct check *check)
{
    check_marks(check, check_schema(check), 0, is_provider(check_descriptor(check)));
}

static void has_good_defaults(struct check *check)
{
    struct json_object *properties = json_get_object(check_schema(check), "properties");

    if (properties == NULL)
        return;
    json_object_object_foreach(properties, name, property)
    {
        struct json_object *preset;
        struct json_schema *schema;
        struct error err = {0};

        if (!json_object_is_type(property, json_type_object) ||
            !json_object_object_get_ex(property, "default", &preset))
            continue;
        schema = json_schema_new(property, &err);
        if (schema != NULL && !json_schema_check(schema, preset, &err))
            check_fail(check, "the default of \"%.60s\": %.300s", name, err.message);
        json_schema_free(schema);
    }
}

/* ---- needs and offers ------------------------------------------------------------------------ */

static void check_list(struct check *check, const char *name, const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        const char *why = words_interface_fault(list[i]);

        if (i == LIST_MAX_COUNT)
            check_fail(check, "`%s` has more than %d entries; does it end with NULL?", name,
                       LIST_MAX_COUNT);
        if (why != NULL)
            check_fail(check, "`%s`: \"%.60s\": %s", name, list[i], why);
        for (size_t k = 0; k < i; k++)
            if (strcmp(list[k], list[i]) == 0)
                check_fail(check, "`%s` names %.60s twice", name, list[i]);
    }
}

static void has_good_needs(struct check *check)
{
    check_list(check, "needs", check_descriptor(check)->needs);
}

static void has_good_offers(struct check *check)
{
    const char *const *offers = check_descriptor(check)->offers;

    check_list(check, "offers", offers);
    if (offers[0] == NULL)
        check_fail(check, "`offers` is empty");
}

static void needs_known_services(struct check *check)
{
    for (const char *const *need = check_descriptor(check)->needs; *need != NULL; need++)
        if (!is_offered(*need, true) && !is_offered(*need, false))
            check_fail(check, "`needs` names %.60s, which this host does not have", *need);
}

static void needs_allowed_services(struct check *check)
{
    const struct sesame_plugin *plugin = check_descriptor(check);
    bool as_tool = words_have(plugin->offers, SESAME_TOOL_V1);

    for (const char *const *need = plugin->needs; *need != NULL; need++) {
        bool is_refused = as_tool && !is_offered(*need, true);

        if (!is_offered(*need, true) && !is_offered(*need, false))
            continue;
        if (is_refused || (is_provider(plugin) && !is_offered(*need, false)))
            check_fail(check, "`needs` names %.60s, which is not given to %s", *need,
                       is_refused ? "tools" : "credential providers");
    }
}

/* ---- get_interface --------------------------------------------------------------------------- */

static void gives_what_it_offers(struct check *check)
{
    const struct sesame_plugin *plugin = check_descriptor(check);

    for (const char *const *offered = plugin->offers; *offered != NULL; offered++) {
        check_step(check, "get_interface(\"%s\")", *offered);
        if (plugin->get_interface(*offered) == NULL)
            check_fail(check, "get_interface(\"%.60s\") gives NULL", *offered);
    }
}

static void has_whole_tables(struct check *check)
{
    const struct sesame_plugin *plugin = check_descriptor(check);

    if (words_have(plugin->offers, SESAME_TOOL_V1)) {
        const struct sesame_tool_v1 *table = plugin->get_interface(SESAME_TOOL_V1);

        if (table != NULL && (table->list == NULL || table->call == NULL || table->cancel == NULL))
            check_fail(check, "the table of %s has a NULL", SESAME_TOOL_V1);
    }
    if (is_provider(plugin)) {
        const struct sesame_credential_provider_v1 *table =
            plugin->get_interface(SESAME_CREDENTIAL_PROVIDER_V1);

        if (table != NULL && (table->fetch == NULL || table->cancel == NULL))
            check_fail(check, "the table of %s has a NULL", SESAME_CREDENTIAL_PROVIDER_V1);
    }
}

static void gives_the_same_table(struct check *check)
{
    const struct sesame_plugin *plugin = check_descriptor(check);

    for (const char *const *offered = plugin->offers; *offered != NULL; offered++)
        if (plugin->get_interface(*offered) != plugin->get_interface(*offered))
            check_fail(check, "two calls of get_interface(\"%.60s\") give two tables", *offered);
}

static void check_unknown(struct check *check, const char *id)
{
    const struct sesame_plugin *plugin = check_descriptor(check);

    check_step(check, "get_interface(\"%s\")", id);
    if (plugin->get_interface(id) != NULL)
        check_fail(check, "get_interface(\"%.80s\") gives a table", id);
}

static void knows_no_unknown_interface(struct check *check)
{
    check_unknown(check, "");
    check_unknown(check, "sesame.no-such-interface/1");
    check_unknown(check, "tool");
}

static void compares_whole_ids(struct check *check)
{
    static const char *const tails[] = {"x", "0", " ", "/1", "\n"};
    const struct sesame_plugin *plugin = check_descriptor(check);
    char id[200];

    for (const char *const *offered = plugin->offers; *offered != NULL; offered++) {
        for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
            (void)snprintf(id, sizeof id, "%.150s%s", *offered, tails[i]);
            check_unknown(check, id);
        }
        (void)snprintf(id, sizeof id, "%.*s", (int)strlen(*offered) - 1, *offered);
        check_unknown(check, id);
        (void)snprintf(id, sizeof id, "x%.150s", *offered);
        check_unknown(check, id);
    }
}

static void knows_only_its_revision(struct check *check)
{
    const struct sesame_plugin *plugin = check_descriptor(check);

    for (const char *const *offered = plugin->offers; *offered != NULL; offered++) {
        const char *slash = strchr(*offered, '/');

        for (int revision = 0; slash != NULL && revision < 12; revision++) {
            char id[200];

            (void)snprintf(id, sizeof id, "%.*s/%d", (int)(slash - *offered), *offered, revision);
            if (!words_have(plugin->offers, id))
                check_unknown(check, id);
        }
    }
}

/* The mapping of /proc/self/maps that holds an address, by its permissions. */
static bool is_writable(const void *address)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[600];
    bool found = false;

    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
        struct slice rest = slice_of(line);
        struct slice from = slice_cut(&rest, '-'), to = slice_cut(&rest, ' ');
        char own[20];

        (void)snprintf(own, sizeof own, "%0*lx", (int)from.len, (unsigned long)address);
        found = strlen(own) == from.len && strncmp(own, from.data, from.len) >= 0 &&
                (to.len > from.len || strncmp(own, to.data, to.len) < 0) && rest.len > 1 &&
                rest.data[1] == 'w';
    }
    if (maps != NULL)
        (void)fclose(maps);
    return found;
}

static void is_constant(struct check *check)
{
    const struct sesame_plugin *plugin = check_raw_descriptor(check);

    if (is_writable(plugin))
        check_fail(check, "sesame_plugin_v1 lies in memory that can be written");
}

static const struct check_case cases[] = {
    {"descriptor.complete", "Every member of `sesame_plugin_v1` but `stop` is set.",
     "The host refuses the plugin else.", CHECK_ANY, CHECK_ONCE, is_complete},
    {"descriptor.constant", "`sesame_plugin_v1` cannot be written.",
     "Declare it `const`, and link with `-Wl,-z,relro`: every thread of the host reads it.",
     CHECK_ANY, CHECK_ONCE, is_constant},
    {"descriptor.id", "The id is 1 to 64 of `a-z`, `0-9` and `-`.",
     "It is the name in configurations, logs and metrics.", CHECK_ANY, CHECK_ONCE, has_id},
    {"descriptor.version", "The version is a short text without blanks.",
     "People read it in `plugin list` and in the log.", CHECK_ANY, CHECK_ONCE, has_version},
    {"descriptor.description", "The description is one plain line of at most 300 bytes.",
     "No control characters, and none that turn or hide text.", CHECK_ANY, CHECK_ONCE,
     has_description},
    {"descriptor.schema-json", "The configuration schema is JSON (RFC 8259).",
     "No comments, no member twice, nothing behind it.", CHECK_ANY, CHECK_ONCE, has_json_schema},
    {"descriptor.schema-compiles",
     "The configuration schema is a JSON Schema that the host can use.",
     "The message names the keyword.", CHECK_ANY, CHECK_ONCE, has_compiling_schema},
    {"descriptor.schema-object", "The configuration schema is that of an object.",
     "`create` gets an object in any case.", CHECK_ANY, CHECK_ONCE, has_object_schema},
    {"descriptor.schema-marks", "The marks in the schema are known and for this kind of plugin.",
     "`x-secret` is \"env\" or \"file\"; `x-secret`, `x-program` and `x-env` are for credential "
     "providers.",
     CHECK_ANY, CHECK_ONCE, has_good_marks},
    {"descriptor.schema-defaults", "Every default in the schema is a value that it allows.",
     "The host fills in defaults before it checks.", CHECK_ANY, CHECK_ONCE, has_good_defaults},
    {"descriptor.needs", "`needs` ends with NULL and names each service once, as `name/revision`.",
     "The host asks for each before `create`.", CHECK_ANY, CHECK_ONCE, has_good_needs},
    {"descriptor.offers", "`offers` ends with NULL and names at least one interface, each once.",
     "A plugin that offers nothing is of no use.", CHECK_ANY, CHECK_ONCE, has_good_offers},
    {"descriptor.needs-known", "This host has every service it needs.",
     "A service that only later hosts have is asked for in `create`, and done without.", CHECK_ANY,
     CHECK_ONCE, needs_known_services},
    {"descriptor.needs-allowed", "Its kind of plugin gets every service it needs.",
     "Tools never get secrets; providers get no other credentials.", CHECK_ANY, CHECK_ONCE,
     needs_allowed_services},
    {"descriptor.interfaces", "`get_interface` gives a table for each interface it offers.",
     "The host refuses the plugin else.", CHECK_ANY, CHECK_ONCE, gives_what_it_offers},
    {"descriptor.tables", "The tables it gives have no NULL.",
     "Every function of an interface must be there, also one that has nothing to do.", CHECK_ANY,
     CHECK_ONCE, has_whole_tables},
    {"descriptor.same-table", "`get_interface` gives the same table each time.",
     "Tables are constants that live as long as the plugin is loaded.", CHECK_ANY, CHECK_ONCE,
     gives_the_same_table},
    {"descriptor.unknown-interface", "`get_interface` gives NULL for what it does not know.",
     "That is how a host learns that there is no such interface.", CHECK_ANY, CHECK_ONCE,
     knows_no_unknown_interface},
    {"descriptor.whole-ids", "`get_interface` compares ids from the first to the last letter.",
     "Use `strcmp`, not `strncmp`: `sesame.tool/10` is not `sesame.tool/1`.", CHECK_ANY, CHECK_ONCE,
     compares_whole_ids},
    {"descriptor.revisions", "`get_interface` knows only the revisions that it offers.",
     "Another revision has other functions at the same places.", CHECK_ANY, CHECK_ONCE,
     knows_only_its_revision},
};

const struct check_group check_group_descriptor = {"descriptor", "The descriptor", cases,
                                                   sizeof cases / sizeof cases[0]};
