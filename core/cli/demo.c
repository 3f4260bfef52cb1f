/* sesame demo: starts the offline stand-in beside the host, and serves the page. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/spawn.h"
#include "cli/command.h"
#include "cli/locate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_ADDRESS "http://127.0.0.1:9001/"

/* Reads until the stand-in says that it is ready. */
static bool wait_until_ready(int fd)
{
    char text[2048];
    size_t used = 0;
    ssize_t count;

    while (used < sizeof text - 1 && (count = read(fd, text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)count;
        text[used] = '\0';
        if (strstr(text, " ready: ") != NULL)
            return true;
    }
    fprintf(stderr, "sesame demo: the stand-in did not start: %.*s\n", (int)used, text);
    return false;
}

static bool start_stand_in(const char *program, const char *state, pid_t *out_pid)
{
    const char *const argv[] = {program, "--exit-with-parent", "--state-dir", state, NULL};
    struct error err = {0};
    int pipe_fds[2];
    bool ok;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return false;
    ok = spawn_process(argv, NULL, -1, pipe_fds[1], pipe_fds[1], out_pid, &err);
    close(pipe_fds[1]);
    if (!ok)
        fprintf(stderr, "sesame demo: %s\n", err.message);
    ok = ok && wait_until_ready(pipe_fds[0]);
    close(pipe_fds[0]);
    return ok;
}

/* NAME=value lines into our own environment; secrets among them are moved out by the host. */
static bool take_environment(const char *state)
{
    CLEANUP(cleanup_free) char *path = NULL;
    char line[4096];
    FILE *file;

    if (asprintf(&path, "%s/environment", state) < 0 || (file = fopen(path, "re")) == NULL) {
        fprintf(stderr, "sesame demo: %s/environment: %s\n", state, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *equals = strchr(line, '=');
        size_t len = strlen(line);

        if (equals == NULL)
            continue;
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        *equals = '\0';
        setenv(line, equals + 1, 1);
    }
    explicit_bzero(line, sizeof line);
    fclose(file);
    return true;
}

/* Removes a folder that this program made, with what the stand-in put there. */
static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    char inner[512];

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >= (int)sizeof inner)
            continue;
        if (unlink(inner) != 0)
            remove_folder(inner);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

static int run(const struct command_line *line, const char *state)
{
    struct command_line serve = *line;
    char path[512];

    if (!take_environment(state))
        return EXIT_FAILED;
    if (serve.config == NULL &&
        snprintf(path, sizeof path, "%s/sesame.json", state) < (int)sizeof path)
        serve.config = path;
    printf(
        "\n  Open " PAGE_ADDRESS
        " in a browser, sign in as anybody, and ask:\n"
        "    What is the weather in Hangzhou right now?\n"
        "    Call my enterprise service\n\n"
        "  Everything around the agent is an offline stand-in on 127.0.0.1. Ctrl-C ends it.\n\n");
    fflush(stdout);
    return serve_command(&serve);
}

int demo_command(const struct command_line *line)
{
    char state[] = "/tmp/sesame-demo-XXXXXX";
    CLEANUP(cleanup_free) char *program = locate_program("sesame-local-cloud");
    pid_t pid = -1;
    int status = EXIT_FAILED;

    if (line->word_count > 0) {
        fprintf(stderr, "sesame demo: unexpected \"%s\"\n", line->words[0]);
        return EXIT_WRONG_USE;
    }
    if (program == NULL) {
        fprintf(stderr, "sesame demo: sesame-local-cloud is not beside this program\n");
        return EXIT_FAILED;
    }
    if (mkdtemp(state) == NULL) {
        fprintf(stderr, "sesame demo: /tmp: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (start_stand_in(program, state, &pid))
        status = run(line, state);
    if (pid > 0) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
    remove_folder(state);
    return status;
}
