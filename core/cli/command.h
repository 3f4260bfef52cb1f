/* The command line: what every subcommand shares. */
#ifndef SESAME_CLI_COMMAND_H
#define SESAME_CLI_COMMAND_H

#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_WRONG_USE = 2 };

/* Options that every subcommand takes; what is left are its own words. */
struct command_line {
    const char *config; /* --config FILE */
    const char
        *idaas_config;  /* --idaas-config FILE, or the sample's -Dcloud_idaas_config_path=FILE */
    const char *listen; /* --listen HOST:PORT */
    const char *key;    /* --key FILE */
    const char *seed, *only, *example; /* --seed N, --only CHECK, --example FILE: plugin check */
    bool is_list;                      /* --list: plugin check */
    bool is_json;                      /* --json */
    bool reveals;                      /* --reveal */
    bool shows_pins;                   /* --pins: tool list */
    bool just_tools; /* set by the command: of the host file it uses the tools and no more */
    char **words;    /* borrowed from argv */
    int word_count;
};

/* Reads the options behind the subcommand. False: a message is on standard error. */
bool command_line_read(int argc, char **argv, struct command_line *out);

struct host_config;

int serve_command(const struct command_line *line);
/* Serves until a signal; `on_listening` is called once all ports are open. SIGINT and SIGTERM that
 * the caller has blocked are heard while it serves, and are blocked again when it returns. */
int serve_until_signal(const struct command_line *line,
                       void (*on_listening)(const struct host_config *config));
int config_command(const struct command_line *line);
int plugin_command(const struct command_line *line);
/* plugin digest|sign|verify PLUGIN */
int plugin_trust_command(const struct command_line *line);
/* plugin new KIND NAME */
int plugin_new_command(const struct command_line *line);
/* plugin check FILE.so | --list */
int plugin_check_command(const struct command_line *line);
int tool_command(const struct command_line *line);
int doctor_command(const struct command_line *line);
int demo_command(const struct command_line *line);
int token_command(const struct command_line *line);

#endif
