/* Runs a program to its end and keeps what it printed as a secret. */
#include "base/program.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (64 * 1024)
#define WAIT_STEP_MS 5

/* Adds what the program prints until it closes its output. */
static bool read_output(int fd, int64_t deadline_ms, struct secret_builder *out, struct error *err)
{
    char piece[1024];
    bool ok = true;

    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0) {
            ok = error_set(err, ERROR_TIMED_OUT, "it did not end in time");
            break;
        }
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            ok = got == 0 ||
                 error_set(err, ERROR_INTERNAL, "reading its output: %s", strerror(errno));
            break;
        }
        ok = secret_builder_add(out, piece, (size_t)got, err);
        if (!ok)
            break;
    }
    explicit_bzero(piece, sizeof piece);
    return ok;
}

/* Waits for the end, in steps: only its exit is left, which is a moment. */
static bool wait_for_end(pid_t pid, int64_t deadline_ms, struct error *err)
{
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_monotonic_ms() >= deadline_ms) {
            kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return error_set(err, ERROR_TIMED_OUT, "it did not end in time");
        }
        (void)poll(NULL, 0, WAIT_STEP_MS);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return WIFEXITED(status)
               ? error_set(err, ERROR_UPSTREAM, "it ended with status %d", WEXITSTATUS(status))
               : error_set(err, ERROR_UPSTREAM, "it was ended by signal %d", WTERMSIG(status));
}

static bool run(const char *const *argv, int64_t deadline_ms, struct secret_builder *out,
                struct error *err)
{
    int ends[2];
    bool was_read;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(err, ERROR_INTERNAL, "a pipe: %s", strerror(errno));
    if (!spawn_process(argv, NULL, -1, ends[1], -1, &pid, err)) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    close(ends[1]);
    was_read = read_output(ends[0], deadline_ms, out, err);
    close(ends[0]);
    if (was_read)
        return wait_for_end(pid, deadline_ms, err);
    kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return false;
}

struct secret *secret_from_program(const char *const *argv, int64_t timeout_ms, struct error *err)
{
    struct secret_builder out;
    struct secret *output = NULL;

    secret_builder_init(&out, OUTPUT_MAX_BYTES);
    if (run(argv, clock_monotonic_ms() + timeout_ms, &out, err)) {
        output = secret_builder_take(&out, err);
        if (output == NULL && err->code == ERROR_NONE)
            error_set(err, ERROR_UPSTREAM, "it printed nothing");
    }
    secret_builder_clear(&out);
    if (output == NULL) {
        error_prefix(err, "the program %s", argv[0]);
        return NULL;
    }
    return output;
}
