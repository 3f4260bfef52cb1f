/* sesame: an AI agent host that is safe to give credentials to. */
#include "base/wipe_alloc.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(const struct command_line *line);
    const char *summary;
} commands[] = {
    {"serve", serve_command, "run the host (the default)"},
    {"demo", demo_command, "the host with an offline stand-in for everything around it"},
    {"doctor", doctor_command, "walk through everything a turn needs and say what to fix"},
    {"config", config_command, "config check: read both files, show every problem"},
    {"plugin", plugin_command,
     "plugin list | show ID | check FILE.so | digest FILE.so | sign, verify --key FILE.pem FILE.so "
     "| "
     "new KIND NAME"},
    {"tool", tool_command, "tool list | tool call FUNCTION [JSON]: try a tool without a model"},
    {"token", token_command, "token CREDENTIAL [--reveal]: fetch one credential"},
};

static void print_help(void)
{
    printf("usage: sesame [COMMAND] [OPTIONS]\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    printf(
        "\noptions:\n"
        "  --config FILE        the host file (default: SESAME_CONFIG, sesame.json in the\n"
        "                       configuration folders, else the built-in default)\n"
        "  --idaas-config FILE  the IDaaS SDK file (default: CLOUD_IDAAS_CONFIG_PATH, else\n"
        "                       ~/.cloud_idaas/client-config.json)\n"
        "  --listen HOST:PORT   instead of \"listen\" of the host file\n"
        "  --json               plugin check, tool list: for programs\n"
        "  --pins               tool list: digests of the functions, for tools.NAME.pins\n"
        "  --only CHECK, --seed N, --example FILE, --list\n"
        "                       plugin check: one check or group; the same random values again;\n"
        "                       a configuration and answers to check with; the checks there are\n"
        "  --version, --help\n");
}

int main(int argc, char **argv)
{
    struct command_line line;
    const char *name = argc > 1 && argv[1][0] != '-' ? argv[1] : "serve";
    int used = argc > 1 && argv[1][0] != '-' ? 2 : 1;

    if (!wipe_alloc_install()) {
        fprintf(stderr, "sesame: the libraries' memory cannot be wiped: they were used before\n");
        return EXIT_FAILED;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("sesame " PACKAGE_VERSION "\n");
            return EXIT_DONE;
        }
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return command_line_read(argc - used, argv + used, &line) ? commands[i].run(&line)
                                                                      : EXIT_WRONG_USE;
    fprintf(stderr, "sesame: unknown command \"%s\"; see sesame --help\n", name);
    return EXIT_WRONG_USE;
}
