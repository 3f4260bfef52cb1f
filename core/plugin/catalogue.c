/* The plugins that are there: manifests read, libraries opened when the configuration selects them.
 */
#include "plugin/catalogue.h"

#include "base/error.h"
#include "base/log.h"
#include "plugin/library.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct plugin_manifest *manifest;
    struct plugin_library *library; /* NULL until it is selected */
    struct plugin_library *apart;   /* the same for the process placement */
};

struct plugin_catalogue {
    struct entry *entries;
    size_t count;
    const struct plugins_config *trust; /* NULL: every library is taken */
};

static bool add(struct plugin_catalogue *catalogue, struct plugin_manifest *manifest,
                struct error *err)
{
    struct entry *grown;

    if (plugin_catalogue_find(catalogue, manifest->id) != NULL) {
        log_warn("plugin", "a second plugin of this id is left out", LOG_TEXT("id", manifest->id),
                 LOG_TEXT("path", manifest->path));
        plugin_manifest_free(manifest);
        return true;
    }
    grown = realloc(catalogue->entries, (catalogue->count + 1) * sizeof *grown);
    if (grown == NULL) {
        plugin_manifest_free(manifest);
        return error_set(err, ERROR_NO_MEMORY, "no memory for the plugins");
    }
    catalogue->entries = grown;
    catalogue->entries[catalogue->count++] = (struct entry){manifest, NULL, NULL};
    return true;
}

static int is_manifest(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".json") == 0;
}

/* In alphabetical order, so that two hosts see the same. */
static bool read_directory(struct plugin_catalogue *catalogue, const char *directory,
                           struct error *err)
{
    struct dirent **found = NULL;
    int count = scandir(directory, &found, is_manifest, alphasort);
    bool ok = true;

    if (count < 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "the plugin folder %s cannot be read: %s; set plugins.directory",
                         directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        struct error why = {0};
        struct plugin_manifest *manifest =
            ok ? plugin_manifest_read(directory, found[i]->d_name, &why) : NULL;

        if (manifest != NULL)
            ok = add(catalogue, manifest, err);
        else if (ok)
            log_warn("plugin", "a manifest is left out", LOG_TEXT("folder", directory),
                     LOG_TEXT("file", found[i]->d_name), LOG_TEXT("reason", why.message));
        free(found[i]);
    }
    free(found);
    return ok;
}

struct plugin_catalogue *plugin_catalogue_new(const char *directory, const char *const *extra,
                                              struct error *err)
{
    struct plugin_catalogue *catalogue = calloc(1, sizeof *catalogue);
    bool ok;

    if (catalogue == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the plugins");
        return NULL;
    }
    ok = read_directory(catalogue, directory, err);
    for (; ok && extra != NULL && *extra != NULL; extra++)
        ok = read_directory(catalogue, *extra, err);
    if (ok)
        return catalogue;
    plugin_catalogue_free(catalogue);
    return NULL;
}

void plugin_catalogue_free(struct plugin_catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    for (size_t i = 0; i < catalogue->count; i++) {
        plugin_library_free(catalogue->entries[i].library);
        plugin_library_free(catalogue->entries[i].apart);
        plugin_manifest_free(catalogue->entries[i].manifest);
    }
    free(catalogue->entries);
    free(catalogue);
}

void plugin_catalogue_set_trust(struct plugin_catalogue *catalogue,
                                const struct plugins_config *config)
{
    catalogue->trust = config;
}

size_t plugin_catalogue_count(const struct plugin_catalogue *catalogue)
{
    return catalogue->count;
}

const struct plugin_manifest *plugin_catalogue_at(const struct plugin_catalogue *catalogue,
                                                  size_t index)
{
    return catalogue->entries[index].manifest;
}

const struct plugin_manifest *plugin_catalogue_find(const struct plugin_catalogue *catalogue,
                                                    const char *id)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (strcmp(catalogue->entries[i].manifest->id, id) == 0)
            return catalogue->entries[i].manifest;
    return NULL;
}

static bool is_in(char *const *list, const char *text)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

const struct plugin_manifest *plugin_catalogue_require(const struct plugin_catalogue *catalogue,
                                                       const char *id, struct error *err)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(catalogue, id);

    if (manifest == NULL)
        error_set_named(err, ERROR_NOT_FOUND, "PluginNotFound",
                        "there is no plugin \"%.64s\" in the plugin folder: see sesame plugin list",
                        id);
    return manifest;
}

const struct plugin_manifest *
plugin_catalogue_find_provider(const struct plugin_catalogue *catalogue, const char *authn_method,
                               const char *plugin_name)
{
    bool by_name = strcmp(authn_method, "PLUGIN") == 0;

    for (size_t i = 0; i < catalogue->count; i++) {
        const struct plugin_manifest *manifest = catalogue->entries[i].manifest;

        if (by_name ? is_in(manifest->plugin_names, plugin_name)
                    : is_in(manifest->authn_methods, authn_method))
            return manifest;
    }
    return NULL;
}

static struct plugin_library *open_library(struct plugin_catalogue *catalogue,
                                           const struct plugin_manifest *manifest,
                                           const char *program, struct error *err)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        struct entry *entry = &catalogue->entries[i];
        struct plugin_library **library = program == NULL ? &entry->library : &entry->apart;

        if (entry->manifest != manifest)
            continue;
        if (*library == NULL)
            *library = plugin_library_load(manifest, program, catalogue->trust, err);
        return *library;
    }
    error_set(err, ERROR_NOT_FOUND, "the plugin %s is not in the catalogue", manifest->id);
    return NULL;
}

struct plugin_library *plugin_library_open(struct plugin_catalogue *catalogue,
                                           const struct plugin_manifest *manifest,
                                           struct error *err)
{
    return open_library(catalogue, manifest, NULL, err);
}

struct plugin_library *plugin_library_open_apart(struct plugin_catalogue *catalogue,
                                                 const struct plugin_manifest *manifest,
                                                 const char *program, struct error *err)
{
    return open_library(catalogue, manifest, program, err);
}
