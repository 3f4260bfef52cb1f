/* The plugins that are there: manifests read, libraries opened when the configuration selects them.
 *
 * Made once at start, before threads; immutable afterwards, so every thread may read it. */
#ifndef SESAME_PLUGIN_CATALOGUE_H
#define SESAME_PLUGIN_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/host_config.h"

struct error;
struct json_object;
struct plugin_catalogue;
struct plugin_library;

/* What a manifest `<id>.json` says. Texts are never NULL; lists end with NULL. */
struct plugin_manifest {
    char *id;
    char *path;      /* of the manifest */
    char *directory; /* where it and the library lie */
    char *file;      /* of the library, a bare name */
    char *version;
    char *description;
    char **interfaces;
    char **authn_methods;     /* "serves"."authnMethod": picked by the IDaaS file */
    char **plugin_names;      /* "serves"."pluginName" */
    char **origins;           /* a provider's own, "https://sts.*.example.com": '*' is one label */
    char **identities;        /* a provider's: whom it acts as, "machine", "user"; none: both */
    bool wants_program;       /* "profile": "program": a tool that has one program run */
    enum placement placement; /* PLACEMENT_DEFAULT when it names none: the operator must */
    struct json_object *presets; /* name -> configuration members, or NULL */
};

/* Reads every manifest of `directory`, and of the extra ones (NULL-terminated, may be NULL). A
 * broken manifest is reported through log_warn and left out; a directory that is missing is an
 * error. */
struct plugin_catalogue *plugin_catalogue_new(const char *directory, const char *const *extra,
                                              struct error *err);
/* Libraries stay mapped for the life of the process (lessons, unload). */
void plugin_catalogue_free(struct plugin_catalogue *catalogue);

/* From here on libraries are held against the digests and signatures that `config` wants before
 * anything of them runs; borrowed for the catalogue's lifetime. */
void plugin_catalogue_set_trust(struct plugin_catalogue *catalogue,
                                const struct plugins_config *config);

size_t plugin_catalogue_count(const struct plugin_catalogue *catalogue);
const struct plugin_manifest *plugin_catalogue_at(const struct plugin_catalogue *catalogue,
                                                  size_t index);
const struct plugin_manifest *plugin_catalogue_find(const struct plugin_catalogue *catalogue,
                                                    const char *id);
/* The same for one that the configuration names: its absence is an error. */
const struct plugin_manifest *plugin_catalogue_require(const struct plugin_catalogue *catalogue,
                                                       const char *id, struct error *err);
/* The plugin that serves an authnMethod of the IDaaS file (with "PLUGIN", a pluginName). */
const struct plugin_manifest *
plugin_catalogue_find_provider(const struct plugin_catalogue *catalogue, const char *authn_method,
                               const char *plugin_name);

/* Opens the library once (later calls give the same): checks owner and mode of library, manifest
 * and folder, loads, finds the symbol, validates the descriptor against the manifest, compiles the
 * configuration schema. The error says path, wanted, found. */
struct plugin_library *plugin_library_open(struct plugin_catalogue *catalogue,
                                           const struct plugin_manifest *manifest,
                                           struct error *err);
/* The same for the `process` placement: the library is mapped by a process that `program` (the
 * child program of this build) starts, which reads out the descriptor; nothing of it runs here. */
struct plugin_library *plugin_library_open_apart(struct plugin_catalogue *catalogue,
                                                 const struct plugin_manifest *manifest,
                                                 const char *program, struct error *err);
/* What the kernel did not offer to hold back the process of a library opened apart, as a text such
 * as "landlock", "" when nothing is missing. */
void plugin_library_missing_guards(const struct plugin_library *library, char *out, size_t size);
const struct plugin_manifest *plugin_library_manifest(const struct plugin_library *library);
/* The services it needs, NULL-terminated, borrowed. */
const char *const *plugin_library_needs(const struct plugin_library *library);
/* The descriptor's schema as JSON, borrowed. */
struct json_object *plugin_library_schema(const struct plugin_library *library);

#endif
