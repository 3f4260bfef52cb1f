/* One run of a granted program: started in its sandbox, fed, read, ended and reaped. */
#include "plugin/program_run.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/spawn.h"
#include "config/host_config.h"
#include "net/loop.h"
#include "plugin/granted_program.h"
#include "plugin/process_child.h"
#include "plugin/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ERRORS_MAX_BYTES ((size_t)64 * 1024)
#define ORDER_MAX_BYTES ((size_t)64 * 1024)
#define READ_BYTES ((size_t)64 * 1024)
#define LOOK_MS 250
#define THREAD_MAX_COUNT 64
#define TRY_TIMEOUT_MS 10000

struct stream {
    struct program_run *run;
    int fd;
    struct loop_watch *watch;
    size_t count; /* of bytes read */
    struct buffer text;
};

struct program_run {
    struct program_run_options options;
    pid_t pid;
    int pidfd;
    struct loop_watch *ended;
    struct loop_timer *deadline, *look;
    struct stream output, errors;
    struct error why; /* it was killed */
};

/* ---- the start ------------------------------------------------------------------------------- */

/* What a program reads: sealed, so that it is input and nothing else. */
static int make_input(struct slice input, struct error *err)
{
    int fd = memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t written = 0;

    while (fd >= 0 && written < input.len) {
        ssize_t more = pwrite(fd, input.data + written, input.len - written, (off_t)written);

        if (more <= 0)
            break;
        written += (size_t)more;
    }
    if (fd >= 0 && written == input.len &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    error_set(err, ERROR_INTERNAL, "a program's input: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool write_order(const struct granted_program *program, bool is_trial, struct buffer *out,
                        struct error *err)
{
    const struct program_config *config = program->config;
    struct wire_writer writer;

    wire_open(&writer, out, WIRE_PROGRAM, 0);
    wire_put_u32(&writer, WIRE_VERSION);
    wire_put_u32(&writer, is_trial);
    wire_put_u64(&writer, (uint64_t)config->memory_bytes);
    wire_put_u32(&writer, (uint32_t)config->argument_count + 1);
    wire_put_text(&writer, slice_of(config->path));
    for (size_t i = 0; i < config->argument_count; i++)
        wire_put_text(&writer, slice_of(config->arguments[i]));
    return wire_close(&writer, err);
}

/* The order, with the program, its input and what it may read as ancillary data (unix(7)). */
static bool send_order(const struct granted_program *program, int to, bool is_trial, int input,
                       struct error *err)
{
    int fds[2 + GRANTED_READ_MAX_COUNT] = {program->fd, input};
    size_t size = (2 + program->read_count) * sizeof fds[0];
    union {
        char bytes[CMSG_SPACE(sizeof fds)];
        struct cmsghdr header;
    } control = {.bytes = {0}};
    CLEANUP(buffer_clear) struct buffer order;
    struct iovec data;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(size)};

    buffer_init(&order, ORDER_MAX_BYTES);
    if (!write_order(program, is_trial, &order, err))
        return error_prefix(err, "the arguments of %s", program->config->path);
    memcpy(fds + 2, program->reads, program->read_count * sizeof fds[0]);
    control.header = (struct cmsghdr){CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, size);
    data = (struct iovec){order.data, order.len};
    if (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)order.len)
        return true;
    return error_set(err, ERROR_INTERNAL, "a program's process takes no message: %s",
                     strerror(errno));
}

/* Descriptors that the starting process needs until it has started the other. */
struct ends {
    int order[2], output[2], errors[2], input;
};
static const struct ends no_ends = {{-1, -1}, {-1, -1}, {-1, -1}, -1};

static bool open_ends(struct ends *ends, struct slice input, struct error *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->order) != 0 ||
        pipe2(ends->output, O_CLOEXEC) != 0 || pipe2(ends->errors, O_CLOEXEC) != 0)
        return error_set(err, ERROR_INTERNAL, "no descriptors for a program: %s", strerror(errno));
    ends->input = make_input(input, err);
    return ends->input >= 0;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_ends(struct ends *ends)
{
    for (int i = 0; i < 2; i++) {
        close_end(&ends->order[i]);
        close_end(&ends->output[i]);
        close_end(&ends->errors[i]);
    }
    close_end(&ends->input);
}

/* Starts the sandbox with the program's streams. The caller owns what is left open in `ends`. */
static bool spawn(const struct granted_program *program, bool is_trial, struct slice input,
                  struct ends *ends, pid_t *out_pid, struct error *err)
{
    const char *const argv[] = {program->sandbox, "program", NULL};

    if (!open_ends(ends, input, err) ||
        !spawn_process(argv, NULL, ends->order[1], ends->output[1], ends->errors[1], out_pid, err))
        return false;
    close_end(&ends->order[1]);
    close_end(&ends->output[1]);
    close_end(&ends->errors[1]);
    if (send_order(program, ends->order[0], is_trial, ends->input, err))
        return true;
    kill(*out_pid, SIGKILL);
    (void)waitpid(*out_pid, NULL, 0);
    return false;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void release(struct program_run *run)
{
    struct stream *const streams[] = {&run->output, &run->errors};

    loop_watch_free(run->ended);
    loop_timer_free(run->deadline);
    loop_timer_free(run->look);
    close_end(&run->pidfd);
    for (size_t i = 0; i < 2; i++) {
        loop_watch_free(streams[i]->watch);
        close_end(&streams[i]->fd);
        buffer_clear(&streams[i]->text);
    }
    free(run);
}

void program_run_free(struct program_run *run)
{
    if (run == NULL)
        return;
    kill(run->pid, SIGKILL);
    while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    release(run);
}

/* The first reason counts; its end follows from the loop. */
static void end_early(struct program_run *run, enum error_code code, const char *why)
{
    if (run->why.code == ERROR_NONE)
        error_set(&run->why, code, "%s", why);
    kill(run->pid, SIGKILL);
}

void program_run_cancel(struct program_run *run)
{
    end_early(run, ERROR_CANCELLED, "the program was ended because its call was");
}

/* Reads some of what is there; false when there is nothing. */
static bool read_some(struct stream *stream)
{
    char bytes[READ_BYTES];
    ssize_t got = read(stream->fd, bytes, sizeof bytes);
    size_t room = stream->text.max_bytes - stream->text.len;
    struct error ignored = {0};

    if (got == 0)
        (void)loop_watch_set(stream->watch, 0);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    /* What goes to the log is cut, but not read without end. */
    stream->count += (size_t)got;
    if (stream->count > stream->run->options.output_max_bytes)
        end_early(stream->run, ERROR_LIMIT, "the program prints more than allowed");
    (void)buffer_add(&stream->text, bytes, (size_t)got < room ? (size_t)got : room, &ignored);
    return true;
}

static void on_readable(void *arg, unsigned events)
{
    (void)events;
    (void)read_some(arg);
}

static void describe_end(const struct program_run *run, int status, struct program_run_end *out)
{
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

    *out = (struct program_run_end){.err = run->why,
                                    .output = {run->output.text.data, run->output.text.len},
                                    .errors = {run->errors.text.data, run->errors.text.len}};
    if (out->err.code != ERROR_NONE)
        return;
    if (WIFEXITED(status))
        out->exit_status = WEXITSTATUS(status);
    else
        error_set(&out->err, ERROR_UPSTREAM, "the program was ended by SIG%s",
                  name == NULL ? "?" : name);
}

/* It is dead, and so nobody holds the other ends of its pipes. */
static void on_ended(void *arg, unsigned events)
{
    struct program_run *run = arg;
    struct program_run_end end;
    int status = 0;

    (void)events;
    while (read_some(&run->output))
        continue;
    while (read_some(&run->errors))
        continue;
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    describe_end(run, status, &end);
    run->options.on_end(run->options.arg, &end);
    release(run);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void on_deadline(void *arg)
{
    end_early(arg, ERROR_TIMED_OUT, "the program did not end in time");
}

static void on_look(void *arg)
{
    struct program_run *run = arg;

    if (process_threads(run->pid) > THREAD_MAX_COUNT)
        end_early(run, ERROR_LIMIT, "the program has too many threads");
    loop_timer_start(run->look, LOOK_MS);
}

static bool open_stream(struct program_run *run, struct stream *stream, int *fd, size_t max_bytes,
                        struct error *err)
{
    stream->run = run;
    stream->fd = *fd;
    *fd = -1;
    buffer_init(&stream->text, max_bytes);
    if (fcntl(stream->fd, F_SETFL, O_NONBLOCK) != 0)
        return error_set(err, ERROR_INTERNAL, "a program's pipe: %s", strerror(errno));
    stream->watch = loop_watch_new(run->options.loop, stream->fd, on_readable, stream, err);
    return stream->watch != NULL && loop_watch_set(stream->watch, LOOP_READ);
}

static bool watch(struct program_run *run, struct ends *ends, struct error *err)
{
    struct loop *loop = run->options.loop;

    run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
    if (run->pidfd < 0)
        return error_set(err, ERROR_INTERNAL, "watching a program: %s", strerror(errno));
    if (!open_stream(run, &run->output, &ends->output[0], run->options.output_max_bytes, err) ||
        !open_stream(run, &run->errors, &ends->errors[0], ERRORS_MAX_BYTES, err))
        return false;
    run->deadline = loop_timer_new(loop, on_deadline, run, err);
    run->look = run->deadline == NULL ? NULL : loop_timer_new(loop, on_look, run, err);
    run->ended = run->look == NULL ? NULL : loop_watch_new(loop, run->pidfd, on_ended, run, err);
    if (run->ended == NULL)
        return false;
    loop_timer_start(run->deadline, run->options.timeout_ms);
    loop_timer_start(run->look, LOOK_MS);
    return loop_watch_set(run->ended, LOOP_READ);
}

struct program_run *program_run_start(const struct program_run_options *options, struct error *err)
{
    struct program_run *run = calloc(1, sizeof *run);
    struct ends ends = no_ends;
    bool ok;

    if (run == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a program");
        return NULL;
    }
    run->options = *options;
    run->pidfd = run->output.fd = run->errors.fd = -1;
    if (!granted_program_is_same(options->program, err) ||
        !spawn(options->program, false, options->input, &ends, &run->pid, err)) {
        close_ends(&ends);
        free(run);
        return NULL;
    }
    ok = watch(run, &ends, err);
    close_ends(&ends);
    if (ok)
        return run;
    program_run_free(run);
    return NULL;
}

/* ---- the trial ------------------------------------------------------------------------------- */

static bool read_guards(int fd, uint32_t *out_guards)
{
    struct pollfd ready = {fd, POLLIN, 0};

    return poll(&ready, 1, TRY_TIMEOUT_MS) == 1 &&
           read(fd, out_guards, sizeof *out_guards) == (ssize_t)sizeof *out_guards;
}

bool program_try(const struct granted_program *program, struct error *err)
{
    struct ends ends = no_ends;
    uint32_t guards = 0;
    char missing[100];
    pid_t pid;
    bool ok = spawn(program, true, slice_of(""), &ends, &pid, err);

    if (ok) {
        ok = read_guards(ends.output[0], &guards);
        kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        if (!ok)
            error_set(err, ERROR_INTERNAL, "the sandbox cannot be set up for %s",
                      program->config->path);
    }
    close_ends(&ends);
    if (!ok)
        return false;
    wire_missing_guards(guards, missing, sizeof missing);
    return missing[0] == '\0' || error_set_named(err, ERROR_DENIED, "IsolationIncomplete",
                                                 "%s is not run: this kernel does not offer: %s",
                                                 program->config->path, missing);
}
