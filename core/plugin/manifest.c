/* Reads a plugin's manifest: what it is, what it serves, without loading it. */
#include "plugin/library.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/source.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_list(char **list)
{
    for (char **item = list; item != NULL && *item != NULL; item++)
        free(*item);
    free(list);
}

void plugin_manifest_free(struct plugin_manifest *manifest)
{
    if (manifest == NULL)
        return;
    free(manifest->id);
    free(manifest->path);
    free(manifest->directory);
    free(manifest->file);
    free(manifest->version);
    free(manifest->description);
    free_list(manifest->interfaces);
    free_list(manifest->authn_methods);
    free_list(manifest->plugin_names);
    free_list(manifest->origins);
    free_list(manifest->identities);
    json_object_put(manifest->presets);
    free(manifest);
}

static char *read_text(struct json_object *object, const char *name, struct error *err)
{
    size_t len;
    const char *text = json_get_string(object, name, &len);
    char *copy = text == NULL ? NULL : slice_dup((struct slice){text, len});

    if (copy == NULL || copy[0] == '\0') {
        free(copy);
        error_set(err, ERROR_BAD_INPUT, "\"%s\" is missing or no text", name);
        return NULL;
    }
    return copy;
}

static char **read_list(struct json_object *object, const char *name, struct error *err)
{
    struct json_object *array = object == NULL ? NULL : json_get_array(object, name);
    size_t count = array == NULL ? 0 : json_object_array_length(array);
    char **list = calloc(count + 1, sizeof *list);

    for (size_t i = 0; list != NULL && i < count; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);

        if (!json_object_is_type(item, json_type_string)) {
            error_set(err, ERROR_BAD_INPUT, "\"%s\" holds something else than texts", name);
            break;
        }
        list[i] = strdup(json_object_get_string(item));
        if (list[i] == NULL)
            break;
    }
    if (list != NULL && (count == 0 || list[count - 1] != NULL))
        return list;
    free_list(list);
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory for a manifest");
    return NULL;
}

static bool read_placement(struct plugin_manifest *manifest, struct json_object *json,
                           struct error *err)
{
    const char *text = json_get_string(json, "placement", NULL);

    manifest->placement = PLACEMENT_DEFAULT;
    if (text == NULL)
        return true;
    for (enum placement p = PLACEMENT_INLINE; p <= PLACEMENT_PROCESS; p++)
        if (strcmp(text, placement_text(p)) == 0) {
            manifest->placement = p;
            return true;
        }
    return error_set(err, ERROR_BAD_INPUT,
                     "\"placement\" is \"%.40s\", expected inline, thread or process", text);
}

/* What it needs beyond what every tool may do: the operator must grant it. */
static bool read_profile(struct plugin_manifest *manifest, struct json_object *json,
                         struct error *err)
{
    const char *text = json_get_string(json, "profile", NULL);

    manifest->wants_program = text != NULL && strcmp(text, "program") == 0;
    return text == NULL || manifest->wants_program ||
           error_set(err, ERROR_BAD_INPUT, "\"profile\" is \"%.40s\", expected program", text);
}

static bool read_members(struct plugin_manifest *manifest, struct json_object *json,
                         struct error *err)
{
    struct json_object *serves = json_get_object(json, "serves");
    struct json_object *presets = json_get_object(json, "presets");

    if ((manifest->id = read_text(json, "id", err)) == NULL ||
        (manifest->file = read_text(json, "file", err)) == NULL ||
        (manifest->version = read_text(json, "version", err)) == NULL ||
        (manifest->description = read_text(json, "description", err)) == NULL ||
        (manifest->interfaces = read_list(json, "interfaces", err)) == NULL ||
        (manifest->authn_methods = read_list(serves, "authnMethod", err)) == NULL ||
        (manifest->plugin_names = read_list(serves, "pluginName", err)) == NULL ||
        (manifest->origins = read_list(json, "origins", err)) == NULL ||
        (manifest->identities = read_list(json, "identities", err)) == NULL ||
        !read_placement(manifest, json, err) || !read_profile(manifest, json, err))
        return false;
    if (manifest->interfaces[0] == NULL)
        return error_set(err, ERROR_BAD_INPUT, "\"interfaces\" is missing or empty");
    if (strchr(manifest->file, '/') != NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "\"file\" is \"%.60s\", expected a bare name beside the manifest",
                         manifest->file);
    if (presets != NULL)
        manifest->presets = json_object_get(presets);
    return true;
}

struct plugin_manifest *plugin_manifest_read(const char *directory, const char *name,
                                             struct error *err)
{
    struct plugin_manifest *manifest = calloc(1, sizeof *manifest);
    CLEANUP(json_cleanup) struct json_object *json = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    size_t len, id_len;

    if (manifest != NULL && (manifest->directory = strdup(directory)) != NULL &&
        asprintf(&manifest->path, "%s/%s", directory, name) > 0) {
        text = config_read_file(manifest->path, &len, err);
        if (text != NULL && (json = json_parse(text, len, JSON_DEPTH_DEFAULT, err)) != NULL &&
            read_members(manifest, json, err)) {
            id_len = strlen(manifest->id);
            if (strncmp(name, manifest->id, id_len) == 0 && strcmp(name + id_len, ".json") == 0)
                return manifest;
            error_set(err, ERROR_BAD_INPUT, "\"id\" is \"%.60s\", expected the name of the file",
                      manifest->id);
        }
    }
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory for a manifest");
    plugin_manifest_free(manifest);
    return NULL;
}

struct plugin_manifest *plugin_manifest_beside(const char *file, struct error *err)
{
    const char *slash = strrchr(file, '/'), *name = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(name, '.');
    CLEANUP(cleanup_free) char *folder = NULL;
    CLEANUP(cleanup_free) char *manifest = NULL;

    folder = slash == NULL ? strdup(".") : slice_dup((struct slice){file, (size_t)(slash - file)});
    if (asprintf(&manifest, "%.*s.json", dot == NULL ? (int)strlen(name) : (int)(dot - name),
                 name) < 0)
        manifest = NULL;
    if (folder != NULL && manifest != NULL)
        return plugin_manifest_read(folder, manifest, err);
    error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    return NULL;
}
