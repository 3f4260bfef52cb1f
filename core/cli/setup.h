/* Loads both configuration files and says everything that is wrong with them. */
#ifndef SESAME_CLI_SETUP_H
#define SESAME_CLI_SETUP_H

#include <stdbool.h>

struct command_line;
struct host_config;
struct idaas_config;
struct problems;

struct setup {
    struct host_config *host;
    struct idaas_config *idaas; /* NULL when no credential comes from IDaaS */
};

/* Problems and warnings go to standard error, each on a line. False when there is an error. */
bool setup_load(const struct command_line *line, struct setup *out);
/* The same with the problems for the caller, who clears them. */
bool setup_read(const struct command_line *line, struct problems *problems, struct setup *out);
void setup_clear(struct setup *setup);

#endif
