/* What the credential provider that the IDaaS file picks gets for its configuration. */
#include "cli/provider_config.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "plugin/catalogue.h"

#include <json-c/json.h>
#include <string.h>

static bool add_member(const struct setup *setup, const struct plugin_library *library,
                       struct json_object *whole, const char *name, struct json_object *value,
                       struct error *err)
{
    const char *id = plugin_library_manifest(library)->id;
    struct json_object *known = json_get_object(plugin_library_schema(library), "properties");

    if (known == NULL || !json_object_object_get_ex(known, name, NULL))
        return error_set(err, ERROR_BAD_INPUT,
                         "plugins.settings.%s.config.%.60s: the plugin knows no such member: see "
                         "sesame plugin show %s",
                         id, name, id);
    if (json_object_object_get_ex(whole, name, NULL))
        return error_set(err, ERROR_BAD_INPUT,
                         "plugins.settings.%s.config.%.60s: that is decided by %s", id, name,
                         setup->idaas->file);
    return json_set(whole, name, json_object_get(value)) ||
           error_set(err, ERROR_NO_MEMORY, "no memory for a configuration");
}

bool provider_config_from_idaas(const struct setup *setup, const struct plugin_library *library,
                                struct buffer *out, struct error *err)
{
    const struct plugin_config *settings =
        host_config_plugin(setup->host, plugin_library_manifest(library)->id);
    CLEANUP(json_cleanup) struct json_object *whole = NULL;
    CLEANUP(json_cleanup) struct json_object *more = NULL;

    if (!idaas_config_to_json(setup->idaas, out, err))
        return false;
    if (settings == NULL)
        return true;
    whole = json_parse(out->data, out->len, JSON_DEPTH_DEFAULT, err);
    if (whole == NULL)
        return false;
    more =
        json_parse(settings->config_json, strlen(settings->config_json), JSON_DEPTH_DEFAULT, err);
    if (more == NULL)
        return false;
    json_object_object_foreach(more, name, value)
    {
        if (!add_member(setup, library, whole, name, value, err))
            return false;
    }
    buffer_truncate(out, 0);
    return json_add_value(out, whole, err);
}
