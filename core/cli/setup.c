/* Loads both configuration files and says everything that is wrong with them. */
#include "cli/setup.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/command.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"

#include <stdio.h>
#include <string.h>

static void print_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        struct buffer text;
        struct error ignored = {0};

        buffer_init(&text, 8192);
        if (problem_format(&problems->items[i], &text, &ignored))
            fprintf(stderr, "sesame: %s%s\n", problems->items[i].is_warning ? "warning: " : "",
                    text.data);
        buffer_clear(&text);
    }
    if (problems->is_cut)
        fprintf(stderr, "sesame: and more problems\n");
}

static struct host_config *load_host(const struct command_line *line, struct problems *problems)
{
    CLEANUP(cleanup_free) char *path = NULL;
    struct error err = {0};

    if (host_config_find(line->config, config_source_process(), &path, &err))
        return host_config_load(path, config_source_process(),
                                line->just_tools ? HOST_CONFIG_TOOLS : HOST_CONFIG_WHOLE, problems);
    PROBLEM_SET(
        problems_add(problems, false, line->config == NULL ? "sesame.json" : line->config, ""),
        what, "%s", err.message);
    return NULL;
}

static struct idaas_config *load_idaas(const struct command_line *line,
                                       const struct host_config *host, struct problems *problems)
{
    const char *named = line->idaas_config;
    CLEANUP(cleanup_free) char *path = NULL;
    struct error err = {0};

    if (named == NULL && host != NULL && host->idaas_config[0] != '\0')
        named = host->idaas_config;
    path = idaas_config_find(named, config_source_process(), &err);
    if (path != NULL)
        return idaas_config_load(path, config_source_process(), problems);
    {
        struct problem *problem = problems_add(problems, false, "IDaaS configuration", "");

        PROBLEM_SET(problem, what, "%s", err.message);
        if (err.name[0] != '\0')
            PROBLEM_SET(problem, code, "%s", err.name);
    }
    return NULL;
}

/* A deployment whose credentials all come from providers of its own has no IDaaS file. One that is
 * named is read all the same, and so are its faults when the host file has some. */
static bool needs_idaas(const struct command_line *line, const struct host_config *host)
{
    return host == NULL || line->idaas_config != NULL || host->idaas_config[0] != '\0' ||
           host_config_needs_idaas(host);
}

bool setup_read(const struct command_line *line, struct problems *problems, struct setup *out)
{
    bool ok, has_all = true;

    memset(out, 0, sizeof *out);
    out->host = load_host(line, problems);
    if (needs_idaas(line, out->host)) {
        out->idaas = load_idaas(line, out->host, problems);
        has_all = out->idaas != NULL;
    }
    ok = out->host != NULL && has_all && host_config_complete(out->host, out->idaas, problems) &&
         problems->error_count == 0;
    if (!ok)
        setup_clear(out);
    return ok;
}

bool setup_load(const struct command_line *line, struct setup *out)
{
    struct problems problems;
    bool ok;

    problems_init(&problems);
    ok = setup_read(line, &problems, out);
    print_problems(&problems);
    problems_clear(&problems);
    return ok;
}

void setup_clear(struct setup *setup)
{
    host_config_free(TAKE(setup->host));
    idaas_config_free(TAKE(setup->idaas));
}
