/* sesame plugin list|show: what is in the plugin folder. */
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "plugin/catalogue.h"

#include <json-c/json.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <string.h>

static void print_list(const char *label, char *const *items)
{
    if (items[0] == NULL)
        return;
    printf("%-12s", label);
    for (size_t i = 0; items[i] != NULL; i++)
        printf("%s%s", i == 0 ? "" : ", ", items[i]);
    printf("\n");
}

/* Whoever only looks at a tool runs nothing of it. */
static struct plugin_library *open_library(struct plugin_catalogue *catalogue,
                                           const struct plugin_manifest *manifest,
                                           struct error *err)
{
    CLEANUP(cleanup_free) char *sandbox = locate_sandbox();

    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, SESAME_TOOL_V1) != 0)
            return plugin_library_open(catalogue, manifest, err);
    return plugin_library_open_apart(catalogue, manifest, sandbox == NULL ? "" : sandbox, err);
}

static int show(struct plugin_catalogue *catalogue, const char *id)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(catalogue, id);
    struct plugin_library *library;
    struct error err = {0};

    if (manifest == NULL) {
        fprintf(stderr, "sesame: there is no plugin \"%s\"; see sesame plugin list\n", id);
        return EXIT_FAILED;
    }
    printf("%-12s%s %s\n%-12s%s\n%-12s%s/%s\n", "plugin", manifest->id, manifest->version, "",
           manifest->description, "file", manifest->directory, manifest->file);
    print_list("interfaces", manifest->interfaces);
    print_list("authnMethod", manifest->authn_methods);
    print_list("pluginName", manifest->plugin_names);
    print_list("may call", manifest->origins);
    printf("%-12s%s\n", "placement", placement_text(manifest->placement));
    if (manifest->wants_program)
        printf("%-12s%s\n", "asks for", "one program to run, which tools.NAME.program grants");
    if (manifest->presets != NULL) {
        json_object_object_foreach(manifest->presets, name, preset)
        {
            printf("%-12s%s: %s\n", "preset", name, json_object_to_json_string(preset));
        }
    }
    library = open_library(catalogue, manifest, &err);
    if (library == NULL) {
        fprintf(stderr, "sesame: it does not load: %s\n", err.message);
        return EXIT_FAILED;
    }
    printf(
        "configuration schema:\n%s\n",
        json_object_to_json_string_ext(plugin_library_schema(library),
                                       JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    return EXIT_DONE;
}

static int list(const struct plugin_catalogue *catalogue)
{
    for (size_t i = 0; i < plugin_catalogue_count(catalogue); i++) {
        const struct plugin_manifest *manifest = plugin_catalogue_at(catalogue, i);

        printf("%-22s %-8s %s\n", manifest->id, manifest->version, manifest->description);
    }
    return EXIT_DONE;
}

int plugin_command(const struct command_line *line)
{
    bool is_show = line->word_count == 2 && strcmp(line->words[0], "show") == 0;
    CLEANUP(cleanup_free) char *directory = locate_plugins("");
    struct plugin_catalogue *catalogue;
    struct error err = {0};
    int status;

    if (line->word_count >= 1 && strcmp(line->words[0], "check") == 0)
        return plugin_check_command(line);
    if (line->word_count == 2 &&
        (strcmp(line->words[0], "digest") == 0 || strcmp(line->words[0], "sign") == 0 ||
         strcmp(line->words[0], "verify") == 0))
        return plugin_trust_command(line);
    if (line->word_count == 3 && strcmp(line->words[0], "new") == 0)
        return plugin_new_command(line);
    if (!is_show && (line->word_count != 1 || strcmp(line->words[0], "list") != 0)) {
        fprintf(stderr,
                "usage: sesame plugin list | show ID | check FILE.so | digest FILE.so | sign --key "
                "PRIVATE.pem "
                "FILE.so | "
                "verify --key PUBLIC.pem FILE.so | new tool|credential-provider NAME\n");
        return EXIT_WRONG_USE;
    }
    catalogue = plugin_catalogue_new(directory, NULL, &err);
    if (catalogue == NULL) {
        fprintf(stderr, "sesame: %s\n", err.message);
        return EXIT_FAILED;
    }
    status = is_show ? show(catalogue, line->words[1]) : list(catalogue);
    plugin_catalogue_free(catalogue);
    return status;
}
