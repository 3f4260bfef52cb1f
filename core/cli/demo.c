/* sesame demo: starts the offline stand-in beside the host, and serves the page. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/spawn.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "config/host_config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The usual ports, or others where those are taken. */
struct demo_ports {
    int page, agent, metrics;
};

/* `wanted` when nobody listens there, else one that the kernel chooses; 0: there is none. */
static int free_port(int wanted)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)wanted)};
    CLEANUP(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof address;
    int on = 1;

    /* As the host will: a port whose last connections have not timed out yet is free. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return wanted == 0 ? 0 : free_port(0);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.sin_port);
}

/* Reads until the stand-in says that it is ready; SIGINT or SIGTERM, which are blocked, end that.
 */
static bool wait_until_ready(int fd, int signals_fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = signals_fd, .events = POLLIN}};
    char text[2048];
    size_t used = 0;

    while (used < sizeof text - 1) {
        ssize_t count;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents != 0)
            return false;
        if (fds[0].revents == 0)
            continue;
        count = read(fd, text + used, sizeof text - 1 - used);
        if (count <= 0)
            break;
        used += (size_t)count;
        text[used] = '\0';
        if (strstr(text, " ready: ") != NULL)
            return true;
    }
    fprintf(stderr, "sesame demo: the stand-in did not start: %.*s\n", (int)used, text);
    return false;
}

static bool start_stand_in(const char *program, const char *state, const struct demo_ports *ports,
                           int signals_fd, pid_t *out_pid)
{
    char page_url[40], agent_url[40], metrics[40];
    const char *const argv[] = {program,
                                "--exit-with-parent",
                                "--state-dir",
                                state,
                                "--page-url",
                                page_url,
                                "--agent-url",
                                agent_url,
                                "--metrics-listen",
                                metrics,
                                NULL};
    struct error err = {0};
    int pipe_fds[2];
    bool ok;

    (void)snprintf(page_url, sizeof page_url, "http://127.0.0.1:%d/", ports->page);
    (void)snprintf(agent_url, sizeof agent_url, "http://127.0.0.1:%d", ports->agent);
    (void)snprintf(metrics, sizeof metrics, "127.0.0.1:%d", ports->metrics);
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return false;
    ok = spawn_process(argv, NULL, -1, pipe_fds[1], pipe_fds[1], out_pid, &err);
    close(pipe_fds[1]);
    if (!ok)
        fprintf(stderr, "sesame demo: %s\n", err.message);
    ok = ok && wait_until_ready(pipe_fds[0], signals_fd);
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

static void invite(const struct host_config *config)
{
    const char *page = config->web.listen[0] != '\0' ? config->web.listen : config->listen;

    if (!config->web.is_enabled) {
        printf("\n  The page is off: web.enabled in the host file. Ctrl-C ends the demo.\n\n");
    } else {
        printf(
            "\n  Open http://%s/ in a browser, sign in as anybody, and ask:\n"
            "    What is the weather in Hangzhou right now?\n"
            "    Call my enterprise service\n\n"
            "  Everything around the agent is an offline stand-in on 127.0.0.1. Ctrl-C ends "
            "it.\n\n",
            page);
    }
    fflush(stdout);
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
    return serve_until_signal(&serve, invite);
}

/* With a folder of its own, so that what the stand-in writes is gone afterwards, however this ends.
 */
static int run_beside(const char *program, const struct command_line *line,
                      const struct demo_ports *ports, int signals_fd)
{
    const char *base = getenv("TMPDIR");
    CLEANUP(cleanup_free) char *state = NULL;
    pid_t pid = -1;
    int status = EXIT_FAILED;

    if (asprintf(&state, "%s/sesame-demo-XXXXXX", base == NULL ? "/tmp" : base) < 0)
        return EXIT_FAILED;
    if (mkdtemp(state) == NULL) {
        fprintf(stderr, "sesame demo: %s: %s\n", state, strerror(errno));
        return EXIT_FAILED;
    }
    if (start_stand_in(program, state, ports, signals_fd, &pid))
        status = run(line, state);
    if (pid > 0) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
    remove_folder(state);
    return status;
}

int demo_command(const struct command_line *line)
{
    CLEANUP(cleanup_free) char *program = locate_program("sesame-local-cloud");
    struct demo_ports ports = {free_port(9001), free_port(9002), free_port(9003)};
    int signals_fd, status;
    sigset_t stops, before;

    if (line->word_count > 0 || line->listen != NULL) {
        fprintf(stderr, "sesame demo: unexpected \"%s\"\n",
                line->listen != NULL ? "--listen" : line->words[0]);
        return EXIT_WRONG_USE;
    }
    if (program == NULL) {
        fprintf(stderr, "sesame demo: sesame-local-cloud is not beside this program\n");
        return EXIT_FAILED;
    }
    /* A signal at any moment is kept until everything is taken down again. */
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, &before);
    signals_fd = signalfd(-1, &stops, SFD_CLOEXEC);
    status = run_beside(program, line, &ports, signals_fd);
    close(signals_fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
