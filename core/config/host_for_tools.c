/* The built-in default for who only tries tools: without what no tool needs. */
#include "config/host_parts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "config/source.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* Nobody signs in, and no model is asked. */
static const char unused[] =
    "{\"inbound\":{\"issuer\":\"https://sign-in.invalid\",\"audience\":\"nobody\",\"scope\":"
    "\"nothing\",\"jwks_url\":\"https://sign-in.invalid/jwks\"},"
    "\"model\":{\"base_url\":\"https://model.invalid/v1\",\"name\":\"none\"}}";

/* Whether all variables are set that `value` names. */
static bool is_filled(struct json_object *value, const struct config_source *source)
{
    const char *at = json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);

    while (at != NULL && (at = strstr(at, "${")) != NULL) {
        size_t len = strcspn(at + 2, "}");
        const char *set;
        char name[64];

        (void)snprintf(name, sizeof name, "%.*s", (int)len, at + 2); /* ours, and short */
        set = source->get_env(source->arg, name);
        if (set == NULL || set[0] == '\0')
            return false;
        at += 2 + len;
    }
    return at == NULL;
}

/* Whether one of the tools may use the credential `name`. */
static bool is_named(struct json_object *tools, const char *name)
{
    if (!json_object_is_type(tools, json_type_object))
        return false;
    json_object_object_foreach(tools, tool_name, tool)
    {
        struct json_object *names = json_object_is_type(tool, json_type_object)
                                        ? json_get_array(tool, "credentials")
                                        : NULL;

        (void)tool_name;
        for (size_t i = 0; names != NULL && i < json_object_array_length(names); i++) {
            struct json_object *item = json_object_array_get_idx(names, i);

            if (json_object_is_type(item, json_type_string) &&
                strcmp(json_object_get_string(item), name) == 0)
                return true;
        }
    }
    return false;
}

/* Credentials that no tool may use and whose variables are not set are missed by nobody. */
static bool keep_used_credentials(struct json_object *built_in, struct json_object *tools,
                                  const struct config_source *source)
{
    struct json_object *all = json_get_object(built_in, "credentials");
    struct json_object *kept = json_object_new_object();

    if (kept == NULL)
        return false;
    json_object_object_foreach(all, name, credential)
    {
        if ((is_filled(credential, source) || is_named(tools, name)) &&
            json_object_object_add(kept, name, json_object_get(credential)) != 0) {
            json_object_put(kept);
            return false;
        }
    }
    return json_object_object_add(built_in, "credentials", kept) == 0;
}

/* Puts what is unused in the place of sign-in and model. */
static bool leave_out_unused(struct json_object *built_in)
{
    struct error ignored = {0};
    CLEANUP(json_cleanup)
    struct json_object *none = json_parse(unused, strlen(unused), JSON_DEPTH_DEFAULT, &ignored);

    if (none == NULL)
        return false;
    json_object_object_foreach(none, section, value)
    {
        if (json_object_object_add(built_in, section, json_object_get(value)) != 0)
            return false;
    }
    return true;
}

bool host_default_for_tools(struct json_object *built_in, struct json_object *file,
                            const struct config_source *source)
{
    if (!is_filled(json_object_object_get(built_in, "identity"), source) &&
        json_object_object_add(built_in, "identity", json_object_new_string("Machine")) != 0)
        return false;
    return leave_out_unused(built_in) &&
           keep_used_credentials(built_in, json_object_object_get(file, "tools"), source);
}
