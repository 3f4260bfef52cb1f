/* sesame config check: both files, all problems in one run, then what the plugins say to theirs. */
#include "base/error.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "config/idaas_config.h"

#include <stdio.h>
#include <string.h>

/* The plugins that the configuration selects, made as for serving: a key that cannot be used or a
 * token file that is not there shows here. Nothing is sent. */
static bool check_plugins(const struct setup *setup)
{
    const struct host_options options = {.setup = setup};
    struct host *host = NULL;
    struct error err = {0};

    if (host_open_process(setup, true, &err))
        host = host_new(&options, &err);
    if (host == NULL)
        fprintf(stderr, "sesame: %s%s%s\n", err.name, err.name[0] == '\0' ? "" : ": ", err.message);
    host_free(host);
    host_close_process();
    return host != NULL;
}

int config_command(const struct command_line *line)
{
    struct setup setup;

    if (line->word_count != 1 || strcmp(line->words[0], "check") != 0) {
        fprintf(stderr, "usage: sesame config check [--config FILE] [--idaas-config FILE]\n");
        return EXIT_WRONG_USE;
    }
    if (!setup_load(line, &setup))
        return EXIT_WRONG_USE;
    if (!check_plugins(&setup)) {
        setup_clear(&setup);
        return EXIT_WRONG_USE;
    }
    printf("ok: %s", setup.host->is_built_in ? "the built-in default" : setup.host->file);
    if (setup.idaas != NULL)
        printf(" and %s: %s", setup.idaas->file, authn_method_text(setup.idaas->method));
    for (size_t i = 0; i < setup.host->provider_count; i++)
        printf("%s%s (%s)", setup.idaas == NULL && i == 0 ? ": " : ", ",
               setup.host->providers[i].name, setup.host->providers[i].plugin);
    printf(", %zu credentials, %zu tools, model %s\n", setup.host->credential_count,
           setup.host->tool_count, setup.host->model.name);
    setup_clear(&setup);
    return EXIT_DONE;
}
