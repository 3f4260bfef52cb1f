/* Opens a plugin's library and checks that it is what its manifest says. */
#include "plugin/library.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "plugin/descriptor.h"
#include "plugin/mapped_file.h"
#include "plugin/process_library.h"
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file -------------------------------------------------------------------------------- */

/* Who can write the library or its folder can be this process; who can write the manifest says
 * which origins it may call. */
bool plugin_check_owner(const char *path, const struct stat *found, struct error *err)
{
    if (found->st_uid != 0 && found->st_uid != geteuid())
        return error_set_named(err, ERROR_DENIED, "PluginNotTrusted",
                               "%s belongs to user %u, expected root or user %u", path,
                               (unsigned)found->st_uid, (unsigned)geteuid());
    if ((found->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !S_ISLNK(found->st_mode))
        return error_set_named(err, ERROR_DENIED, "PluginNotTrusted",
                               "%s has mode %04o, so that others than its owner can write it; run "
                               "chmod go-w %s",
                               path, (unsigned)found->st_mode & 07777, path);
    return true;
}

static int open_file(const struct plugin_manifest *manifest, const char *path, struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file, folder, beside;
    int kept;

    if (fd < 0 || fstat(fd, &file) != 0) {
        error_set_named(err, ERROR_NOT_FOUND, "PluginNotFound", "%s cannot be opened: %s", path,
                        strerror(errno));
        return -1;
    }
    if (!S_ISREG(file.st_mode)) {
        error_set_named(err, ERROR_DENIED, "PluginNotTrusted", "%s is not a regular file", path);
        return -1;
    }
    if (stat(manifest->directory, &folder) != 0 || stat(manifest->path, &beside) != 0 ||
        !plugin_check_owner(path, &file, err) ||
        !plugin_check_owner(manifest->directory, &folder, err) ||
        !plugin_check_owner(manifest->path, &beside, err))
        return -1;
    kept = fd;
    fd = -1;
    return kept;
}

/* ---- the library ----------------------------------------------------------------------------- */

/* The descriptor, from the library mapped here or read out by a process. */
static bool find_descriptor(struct plugin_library *library, const char *program, const char *path,
                            struct error *err)
{
    if (program != NULL)
        return process_library_describe(library, program, path, err);
    library->fd = mapped_file_keep(library->fd, path, err);
    if (library->fd < 0)
        return false;
    library->is_mapped = true;
    library->descriptor = plugin_descriptor_load(library->fd, err);
    return library->descriptor != NULL || error_prefix(err, "%s", path);
}

struct plugin_library *plugin_library_load(const struct plugin_manifest *manifest,
                                           const char *program, const struct plugins_config *trust,
                                           struct error *err)
{
    struct plugin_library *library = calloc(1, sizeof *library);
    CLEANUP(cleanup_free) char *path = NULL;

    if (library == NULL || asprintf(&path, "%s/%s", manifest->directory, manifest->file) < 0) {
        free(library);
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
        return NULL;
    }
    library->manifest = manifest;
    library->fd = open_file(manifest, path, err);
    if (library->fd >= 0 &&
        (trust == NULL || plugin_trust_check(trust, manifest, library->fd, path, err)) &&
        find_descriptor(library, program, path, err) && plugin_library_check(library, path, err))
        return library;
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_INTERNAL, "%s cannot be opened: %s", path, strerror(errno));
    plugin_library_free(library);
    return NULL;
}

void plugin_library_free(struct plugin_library *library)
{
    if (library == NULL)
        return;
    json_schema_free(library->schema);
    json_object_put(library->schema_json);
    /* Of one that is mapped here neither dlclose nor close: code of it may still be on some stack,
     * and the descriptor's number names it (mapped_file_keep). */
    if (library->fd >= 0 && !library->is_mapped)
        close(library->fd);
    process_library_free(library->apart);
    free(library);
}

const struct plugin_manifest *plugin_library_manifest(const struct plugin_library *library)
{
    return library->manifest;
}

const char *const *plugin_library_needs(const struct plugin_library *library)
{
    return library->descriptor->needs;
}

struct json_object *plugin_library_schema(const struct plugin_library *library)
{
    return library->schema_json;
}
