/* sesame plugin list|show: what is in the plugin folder. */
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/plugin_folder.h"
#include "cli/plugin_list.h"
#include "cli/plugin_show.h"
#include "config/host_config.h"
#include "config/problems.h"
#include "plugin/catalogue.h"

#include <stdio.h>
#include <string.h>

/* What the operator's file says, when there is one that can be read without its environment; else
 * NULL, as for somebody who only looks at what is installed. */
static struct host_config *load_config(const struct command_line *line)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct host_config *config = NULL;
    struct problems problems;
    struct error err = {0};

    if (!host_config_find(line->config, config_source_process(), &path, &err)) {
        fprintf(stderr, "sesame: warning: %s\n", err.message);
        return NULL;
    }
    problems_init(&problems);
    config = host_config_load(path, config_source_process(), HOST_CONFIG_TOOLS, &problems);
    if (config == NULL && path != NULL)
        fprintf(stderr, "sesame: warning: %s has mistakes; see sesame config check\n", path);
    problems_clear(&problems);
    return config;
}

static int show(struct plugin_catalogue *catalogue, const struct host_config *config,
                const char *id)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(catalogue, id);

    if (manifest != NULL)
        return plugin_show(catalogue, manifest, config);
    fprintf(stderr, "sesame: there is no plugin \"%s\"; see sesame plugin list\n", id);
    return EXIT_FAILED;
}

int plugin_command(const struct command_line *line)
{
    bool is_show = line->word_count == 2 && strcmp(line->words[0], "show") == 0;
    struct plugin_catalogue *catalogue;
    struct host_config *config;
    struct error err = {0};
    int status = EXIT_FAILED;

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
    config = load_config(line);
    catalogue = plugin_folder_open(config == NULL ? NULL : &config->plugins, &err);
    if (catalogue == NULL)
        fprintf(stderr, "sesame: %s\n", err.message);
    else
        status = is_show ? show(catalogue, config, line->words[1]) : plugin_list(catalogue, config);
    plugin_catalogue_free(catalogue);
    host_config_free(config);
    return status;
}
