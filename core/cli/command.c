/* The command line: what every subcommand shares. */
#include "cli/command.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"--config", "--idaas-config", "--listen",
                                    "--key",    "--json",         "--reveal"};

/* The value of `--name VALUE` or `--name=VALUE`; NULL when `argument` is another option. */
static const char *value_of(const char *name, int argc, char **argv, int *index, bool *is_missing)
{
    size_t len = strlen(name);
    const char *argument = argv[*index];

    if (strncmp(argument, name, len) != 0)
        return NULL;
    if (argument[len] == '=')
        return argument + len + 1;
    if (argument[len] != '\0')
        return NULL;
    if (*index + 1 < argc)
        return argv[++*index];
    fprintf(stderr, "sesame: %s needs a value\n", name);
    *is_missing = true;
    return NULL;
}

static bool unknown_option(const char *argument)
{
    const char *near = text_nearest(argument, names, sizeof names / sizeof names[0]);

    if (near != NULL)
        fprintf(stderr, "sesame: unknown option %s; did you mean %s?\n", argument, near);
    else
        fprintf(stderr, "sesame: unknown option %s; see sesame --help\n", argument);
    return false;
}

bool command_line_read(int argc, char **argv, struct command_line *out)
{
    static const char java_option[] = "-Dcloud_idaas_config_path=";
    int kept = 0;

    memset(out, 0, sizeof *out);
    out->words = argv;
    for (int i = 0; i < argc; i++) {
        bool is_missing = false;
        const char *value;

        if ((value = value_of("--config", argc, argv, &i, &is_missing)) != NULL)
            out->config = value;
        else if ((value = value_of("--idaas-config", argc, argv, &i, &is_missing)) != NULL)
            out->idaas_config = value;
        else if ((value = value_of("--listen", argc, argv, &i, &is_missing)) != NULL)
            out->listen = value;
        else if ((value = value_of("--key", argc, argv, &i, &is_missing)) != NULL)
            out->key = value;
        else if (is_missing)
            return false;
        else if (strncmp(argv[i], java_option, sizeof java_option - 1) == 0)
            out->idaas_config = argv[i] + sizeof java_option - 1;
        else if (strcmp(argv[i], "--json") == 0)
            out->is_json = true;
        else if (strcmp(argv[i], "--reveal") == 0)
            out->reveals = true;
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            return unknown_option(argv[i]);
        else
            argv[kept++] = argv[i];
    }
    out->word_count = kept;
    return true;
}
