/* An opened plugin library; private to core/plugin. */
#ifndef SESAME_PLUGIN_LIBRARY_H
#define SESAME_PLUGIN_LIBRARY_H

#include "plugin/catalogue.h"

struct json_schema;
struct process_library;
struct sesame_plugin;
struct stat;

struct plugin_library {
    const struct plugin_manifest *manifest;
    const struct sesame_plugin *descriptor;
    struct json_object *schema_json;
    struct json_schema *schema;
    int fd;         /* the file that was checked; its number names it to the loader */
    bool is_mapped; /* `fd` stays open for good */
    struct process_library *apart; /* NULL: it is mapped here */
};

/* What the manifest's file holds, opened and checked, against `trust` too (may be NULL). With
 * `program` (else NULL) the library is
 * mapped in a process of its own only. NULL with `err`. */
struct plugin_library *plugin_library_load(const struct plugin_manifest *manifest,
                                           const char *program, const struct plugins_config *trust,
                                           struct error *err);
/* Holds the descriptor that was found against the manifest, and compiles its schema, which belongs
 * to the library. `path` is for the message. */
bool plugin_library_check(struct plugin_library *library, const char *path, struct error *err);
/* Frees what is ours; the code stays mapped. */
void plugin_library_free(struct plugin_library *library);

/* Reads one manifest; NULL with `err`. */
struct plugin_manifest *plugin_manifest_read(const char *directory, const char *name,
                                             struct error *err);
/* The one beside the library `file`, which has its name. */
struct plugin_manifest *plugin_manifest_beside(const char *file, struct error *err);
void plugin_manifest_free(struct plugin_manifest *manifest);

/* Who can write the file can be this process: it must belong to root or to us, and nobody else may
 * write it. `found` is what stat(2) says of `path`. */
bool plugin_check_owner(const char *path, const struct stat *found, struct error *err);

bool plugin_offers(const struct plugin_library *library, const char *interface_id);

#endif
