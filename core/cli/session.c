/* A host with one worker on the calling thread, for commands that do one thing and end. */
#include "cli/session.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/worker.h"
#include "credential/subject.h"
#include "net/loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_MAX_S 600

/* The user whom a command acts for, when there are credentials that stand for one. */
static bool take_user(struct session *session, struct error *err)
{
    struct secret *token = secret_from_environment("SESAME_USER_TOKEN", err);
    struct slice text;

    if (token == NULL)
        return err->code == ERROR_NONE;
    text.data = secret_borrow(token, &text.len);
    /* Not looked into: whoever it is shown to checks it. */
    session->subject = subject_new(text, "", "", "", clock_wall_s() + COMMAND_MAX_S, err);
    secret_free(token);
    return session->subject != NULL;
}

bool session_start(struct session *session, bool has_no_tools, struct error *err)
{
    struct host_options options = {.setup = &session->setup, .has_no_tools = has_no_tools};

    signal(SIGPIPE, SIG_IGN);
    return take_user(session, err) && (session->host = host_new(&options, err)) != NULL &&
           (session->worker = worker_new(session->host, host_loop(session->host), err)) != NULL;
}

bool session_open(struct session *session, const struct command_line *line, bool has_no_tools)
{
    struct error err = {0};

    memset(session, 0, sizeof *session);
    session->status = EXIT_WRONG_USE;
    if (!setup_load(line, &session->setup))
        return false;
    session->status = EXIT_FAILED;
    if (host_open_process(&session->setup, true, &err) &&
        session_start(session, has_no_tools, &err))
        return true;
    fprintf(stderr, "sesame: %s\n", err.message);
    return false;
}

void session_run(struct session *session)
{
    while (!session->is_over)
        loop_run_once(host_loop(session->host), 1000);
}

void session_end(struct session *session, int status)
{
    session->status = status;
    session->is_over = true;
}

static void on_stopped(void *arg)
{
    *(bool *)arg = true;
}

void session_close(struct session *session)
{
    bool has_stopped = false;

    if (session->worker != NULL) {
        worker_stop(session->worker, on_stopped, &has_stopped);
        while (!has_stopped)
            loop_run_once(host_loop(session->host), 100);
        worker_free(session->worker);
    }
    host_free(session->host);
    subject_free(session->subject);
    host_close_process();
    setup_clear(&session->setup);
}
