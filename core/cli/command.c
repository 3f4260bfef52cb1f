/* The command line: what every subcommand shares. */
#include "cli/command.h"

#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Options with a value, and where it goes. */
static const struct {
    const char *name;
    size_t offset;
} values[] = {
    {"--config", offsetof(struct command_line, config)},
    {"--idaas-config", offsetof(struct command_line, idaas_config)},
    {"--listen", offsetof(struct command_line, listen)},
    {"--key", offsetof(struct command_line, key)},
    {"--seed", offsetof(struct command_line, seed)},
    {"--only", offsetof(struct command_line, only)},
    {"--example", offsetof(struct command_line, example)},
};
#define VALUE_COUNT (sizeof values / sizeof values[0])

/* Options without one. */
static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"--json", offsetof(struct command_line, is_json)},
    {"--pins", offsetof(struct command_line, shows_pins)},
    {"--reveal", offsetof(struct command_line, reveals)},
    {"--list", offsetof(struct command_line, is_list)},
};
#define FLAG_COUNT (sizeof flags / sizeof flags[0])

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
    const char *names[VALUE_COUNT + FLAG_COUNT], *near;

    for (size_t i = 0; i < VALUE_COUNT; i++)
        names[i] = values[i].name;
    for (size_t i = 0; i < FLAG_COUNT; i++)
        names[VALUE_COUNT + i] = flags[i].name;
    near = text_nearest(argument, names, VALUE_COUNT + FLAG_COUNT);
    if (near != NULL)
        fprintf(stderr, "sesame: unknown option %s; did you mean %s?\n", argument, near);
    else
        fprintf(stderr, "sesame: unknown option %s; see sesame --help\n", argument);
    return false;
}

/* Takes the option at `*index`; false when it is none of ours, or lacks its value. */
static bool take_option(int argc, char **argv, int *index, struct command_line *out,
                        bool *is_missing)
{
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        const char *value = value_of(values[i].name, argc, argv, index, is_missing);

        if (value != NULL)
            memcpy((char *)out + values[i].offset, &value, sizeof value);
        if (value != NULL || *is_missing)
            return value != NULL;
    }
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (strcmp(argv[*index], flags[i].name) == 0) {
            *(bool *)((char *)out + flags[i].offset) = true;
            return true;
        }
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

        if (take_option(argc, argv, &i, out, &is_missing))
            continue;
        if (is_missing)
            return false;
        if (strncmp(argv[i], java_option, sizeof java_option - 1) == 0)
            out->idaas_config = argv[i] + sizeof java_option - 1;
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            return unknown_option(argv[i]);
        else
            argv[kept++] = argv[i];
    }
    out->word_count = kept;
    return true;
}
