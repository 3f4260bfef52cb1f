/* The credential providers of a host: made from the two configurations. */
#include "cli/provider_set.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/provider_config.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "plugin/catalogue.h"
#include "plugin/provider_port.h"

#include <stdlib.h>
#include <string.h>

struct provider_set {
    struct provider_set_options options;
    struct provider_port **ports;
    struct credential_provider *tables;
    size_t count;
    const char *idaas_plugin; /* an id in the catalogue; NULL: none */
};

/* A provider that acts only as the agent itself serves no credential of a user. */
static bool check_identities(const struct provider_set *set, const struct plugin_manifest *manifest,
                             struct error *err)
{
    const struct host_config *config = set->options.setup->host;

    for (char **identity = manifest->identities; *identity != NULL; identity++)
        if (strcmp(*identity, "user") == 0)
            return true;
    for (size_t i = 0; manifest->identities[0] != NULL && i < config->credential_count; i++)
        if (config->credentials[i].identity == IDENTITY_USER &&
            config->credentials[i].provider == set->count)
            return error_set_named(
                err, ERROR_BAD_INPUT, "UnsupportedAuthenticationMethod",
                "the credential \"%s\" stands for the signed-in user, but the credential provider "
                "%s acts only as the agent itself: set credentials.%s.identity to machine%s, or "
                "use "
                "a provider that exchanges the user's token",
                config->credentials[i].name, manifest->id, config->credentials[i].name,
                config->identity == ACCESS_HUMAN ? " (or ACCESS_IDENTITY to Machine)" : "");
    return true;
}

static bool make_provider(struct provider_set *set, const struct plugin_manifest *manifest,
                          enum placement placement, const char *config_json, struct error *err)
{
    const struct idaas_config *idaas = set->options.setup->idaas;
    size_t index = set->count;
    struct provider_port_options options = {
        .library = plugin_library_open(set->options.catalogue, manifest, err),
        .home = set->options.home,
        .config_json = config_json,
        .placement = placement,
        .connect_timeout_ms = idaas == NULL ? 0 : (int32_t)idaas->connect_timeout_ms,
        .watch = set->options.watch,
    };

    if (options.placement == PLACEMENT_DEFAULT)
        options.placement = host_config_placement(set->options.setup->host, manifest->id, NULL);
    if (options.placement == PLACEMENT_DEFAULT)
        options.placement = manifest->placement;
    if (options.library == NULL || !check_identities(set, manifest, err) ||
        (set->ports[index] = provider_port_new(&options, err)) == NULL)
        return false;
    set->tables[index] = provider_port_table(set->ports[index]);
    set->count++;
    return true;
}

static bool make_idaas_provider(struct provider_set *set, struct error *err)
{
    const struct idaas_config *idaas = set->options.setup->idaas;
    const char *method = authn_method_text(idaas->method);
    const struct plugin_manifest *manifest =
        plugin_catalogue_find_provider(set->options.catalogue, method, idaas->plugin_name);
    struct plugin_library *library;
    CLEANUP(buffer_clear) struct buffer config;

    buffer_init(&config, 1024 * 1024);
    if (manifest == NULL)
        return error_set_named(err, ERROR_NOT_FOUND, "UnsupportedAuthenticationMethod",
                               "no plugin here serves the authnMethod %s%s%s of %s: see sesame "
                               "plugin list",
                               method, idaas->plugin_name[0] == '\0' ? "" : " with pluginName ",
                               idaas->plugin_name, idaas->file);
    set->idaas_plugin = manifest->id;
    library = plugin_library_open(set->options.catalogue, manifest, err);
    return library != NULL &&
           provider_config_from_idaas(set->options.setup, library, &config, err) &&
           make_provider(set, manifest, PLACEMENT_DEFAULT, config.data, err);
}

static bool make_named_provider(struct provider_set *set, const struct provider_config *config,
                                struct error *err)
{
    const struct plugin_manifest *manifest =
        plugin_catalogue_require(set->options.catalogue, config->plugin, err);

    if (manifest != NULL &&
        make_provider(set, manifest, config->placement, config->config_json, err))
        return true;
    return error_prefix(err, "credential_providers.%s", config->name);
}

static bool make_providers(struct provider_set *set, struct error *err)
{
    const struct setup *setup = set->options.setup;

    set->ports = calloc(setup->host->provider_count + 1, sizeof *set->ports);
    set->tables = calloc(setup->host->provider_count + 1, sizeof *set->tables);
    if (set->ports == NULL || set->tables == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the credential providers");
    if (setup->idaas == NULL)
        set->count = 1;
    else if (!make_idaas_provider(set, err))
        return false;
    for (size_t i = 0; i < setup->host->provider_count; i++)
        if (!make_named_provider(set, &setup->host->providers[i], err))
            return false;
    return true;
}

struct provider_set *provider_set_new(const struct provider_set_options *options, struct error *err)
{
    struct provider_set *set = calloc(1, sizeof *set);

    if (set == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the credential providers");
        return NULL;
    }
    set->options = *options;
    if (make_providers(set, err))
        return set;
    provider_set_free(set);
    return NULL;
}

const struct credential_provider *provider_set_tables(const struct provider_set *set)
{
    return set->tables;
}

const char *provider_set_idaas_plugin(const struct provider_set *set)
{
    return set->idaas_plugin == NULL ? "" : set->idaas_plugin;
}

void provider_set_free(struct provider_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        provider_port_free(set->ports[i]);
    free(set->ports);
    free(set->tables);
    free(set);
}
