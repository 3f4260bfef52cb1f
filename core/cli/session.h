/* A host with one worker on the calling thread, for commands that do one thing and end. */
#ifndef SESAME_CLI_SESSION_H
#define SESAME_CLI_SESSION_H

#include <stdbool.h>

#include "cli/setup.h"

struct command_line;
struct error;
struct host;
struct subject;
struct worker;

struct session {
    struct setup setup;
    struct host *host;
    struct worker *worker;
    struct subject *subject; /* of the token in SESAME_USER_TOKEN; NULL: none */
    bool is_over;
    int status; /* of the process, set by whoever ends it */
};

/* Loads, opens and starts; prints what is wrong. False: `status` is the exit code. */
bool session_open(struct session *session, const struct command_line *line, bool has_no_tools);
/* The second half, with `setup` loaded and the process opened: starts. False leaves what there is
 * to session_close. */
bool session_start(struct session *session, bool has_no_tools, struct error *err);
/* Turns the loop until session_end. */
void session_run(struct session *session);
void session_end(struct session *session, int status);
void session_close(struct session *session);

#endif
