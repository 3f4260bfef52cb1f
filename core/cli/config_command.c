/* sesame config check: both files, all problems in one run. */
#include "cli/command.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "config/idaas_config.h"

#include <stdio.h>
#include <string.h>

int config_command(const struct command_line *line)
{
    struct setup setup;

    if (line->word_count != 1 || strcmp(line->words[0], "check") != 0) {
        fprintf(stderr, "usage: sesame config check [--config FILE] [--idaas-config FILE]\n");
        return EXIT_WRONG_USE;
    }
    if (!setup_load(line, &setup))
        return EXIT_WRONG_USE;
    printf("ok: %s and %s: %s, %zu credentials, %zu tools, model %s\n",
           setup.host->is_built_in ? "the built-in default" : setup.host->file, setup.idaas->file,
           authn_method_text(setup.idaas->method), setup.host->credential_count,
           setup.host->tool_count, setup.host->model.name);
    setup_clear(&setup);
    return EXIT_DONE;
}
