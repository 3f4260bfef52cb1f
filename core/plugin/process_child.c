/* One plugin process: started, talked to in frames, ended and reaped. */
#include "plugin/process_child.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/spawn.h"
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)
#define OUTBOX_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define SLOW_BYTES ((size_t)512 * 1024)
#define TERM_WAIT_MS 200
#define CLOSE_WAIT_MS 100 /* between the end of its connection and its own */

struct process_child {
    pid_t pid;
    int fd;
    struct loop *loop;
    struct loop_watch *watch;
    struct process_child_events events;
    void *arg;
    struct buffer inbox, outbox;
    bool was_slow;
    bool is_gone;
    const char *kill_reason;
};

/* ---- the end --------------------------------------------------------------------------------- */

static void describe_end(const struct process_child *child, int status, char *out, size_t size)
{
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

    /* Cutting is fine. */
    if (child->kill_reason != NULL)
        (void)snprintf(out, size, "%s", child->kill_reason);
    else if (name != NULL)
        (void)snprintf(out, size, "ended by SIG%s", name);
    else if (WIFSIGNALED(status))
        (void)snprintf(out, size, "ended by signal %d", WTERMSIG(status));
    else
        (void)snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

static bool wait_for_end(const struct process_child *child, int wait_ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    struct pollfd ended = {pidfd, POLLIN, 0};
    bool has_ended = pidfd >= 0 && poll(&ended, 1, wait_ms) == 1;

    if (pidfd >= 0)
        close(pidfd);
    return has_ended;
}

/* Its socket is closed or it must go: it is made sure of, and reaped. SIGKILL changes nothing about
 * how a process that is dying already is reported. */
static void reap(struct process_child *child, char *out, size_t size)
{
    int status = 0;

    if (child->kill_reason == NULL && !wait_for_end(child, CLOSE_WAIT_MS))
        child->kill_reason = "ended because it closed its connection to the host";
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child->is_gone = true;
    describe_end(child, status, out, size);
}

static void end(struct process_child *child, const char *kill_reason)
{
    char reason[120];

    if (child->is_gone)
        return;
    if (child->kill_reason == NULL)
        child->kill_reason = kill_reason;
    loop_watch_free(TAKE(child->watch));
    reap(child, reason, sizeof reason);
    child->events.on_gone(child->arg, reason);
}

void process_child_kill(struct process_child *child, const char *reason)
{
    end(child, reason);
}

/* The end of the connection is what the loop finds. */
void process_child_doom(struct process_child *child, const char *reason)
{
    if (child->is_gone || child->kill_reason != NULL)
        return;
    child->kill_reason = reason;
    (void)shutdown(child->fd, SHUT_RDWR);
}

void process_child_free(struct process_child *child)
{
    char ignored[120];

    if (child == NULL)
        return;
    loop_watch_free(child->watch);
    if (!child->is_gone) {
        child->kill_reason = "stopped";
        kill(child->pid, SIGTERM);
        (void)wait_for_end(child, TERM_WAIT_MS);
        reap(child, ignored, sizeof ignored);
    }
    if (child->fd >= 0)
        close(child->fd);
    buffer_clear(&child->inbox);
    buffer_clear(&child->outbox);
    free(child);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Hands out whole frames; false when the child broke the protocol. */
static bool hand_out(struct process_child *child)
{
    struct slice bytes = {child->inbox.data, child->inbox.len};
    struct wire_frame frame;
    enum wire_state state;
    bool ok = true;

    while (ok && child->kill_reason == NULL &&
           (state = wire_next(&bytes, &frame)) != WIRE_NEEDS_MORE)
        ok = state == WIRE_FRAME && child->events.on_frame(child->arg, &frame);
    if (ok)
        buffer_consume(&child->inbox, child->inbox.len - bytes.len);
    return ok;
}

static void take_bytes(struct process_child *child)
{
    char bytes[READ_BYTES];
    struct error ignored = {0};
    ssize_t got = recv(child->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        end(child, NULL);
    else if (child->kill_reason != NULL)
        return; /* doomed: what it still says does not count */
    else if (!buffer_add(&child->inbox, bytes, (size_t)got, &ignored) || !hand_out(child))
        end(child, "ended because it broke the protocol");
}

static void watch_for(struct process_child *child)
{
    if (child->watch != NULL)
        (void)loop_watch_set(child->watch, LOOP_READ | (child->outbox.len > 0 ? LOOP_WRITE : 0u));
}

void process_child_flush(struct process_child *child)
{
    while (!child->is_gone && child->outbox.len > 0) {
        ssize_t sent =
            send(child->fd, child->outbox.data, child->outbox.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent <= 0)
            break; /* full: the loop goes on; closed: reading finds it out */
        buffer_consume(&child->outbox, (size_t)sent);
    }
    watch_for(child);
    if (process_child_is_slow(child)) {
        child->was_slow = true;
    } else if (child->was_slow && child->outbox.len < SLOW_BYTES / 4) {
        child->was_slow = false;
        if (child->events.on_drained != NULL)
            child->events.on_drained(child->arg);
    }
}

bool process_child_is_slow(const struct process_child *child)
{
    return child->outbox.len > SLOW_BYTES;
}

struct buffer *process_child_outbox(struct process_child *child)
{
    return &child->outbox;
}

static void on_ready(void *arg, unsigned events)
{
    struct process_child *child = arg;

    if ((events & LOOP_WRITE) != 0)
        process_child_flush(child);
    if ((events & LOOP_READ) != 0)
        take_bytes(child);
}

bool process_child_pump(struct process_child *child, int wait_ms)
{
    struct pollfd ready = {child->fd, POLLIN, 0};

    if (child->is_gone)
        return false;
    process_child_flush(child);
    if (child->outbox.len > 0)
        ready.events |= POLLOUT;
    if (poll(&ready, 1, wait_ms) > 0 && (ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        take_bytes(child);
    return !child->is_gone;
}

bool process_child_attach(struct process_child *child, struct loop *loop, struct error *err)
{
    child->loop = loop;
    child->watch = loop_watch_new(loop, child->fd, on_ready, child, err);
    watch_for(child);
    return child->watch != NULL;
}

/* ---- the start ------------------------------------------------------------------------------- */

/* The first frame, with the library's descriptor as ancillary data (unix(7), SCM_RIGHTS). */
static bool say_hello(struct process_child *child, int library_fd, struct error *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.bytes = {0}};
    struct wire_writer writer;
    struct iovec data;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};

    wire_open(&writer, &child->outbox, WIRE_HELLO, 0);
    wire_put_u32(&writer, WIRE_VERSION);
    if (!wire_close(&writer, err))
        return false;
    control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &library_fd, sizeof library_fd);
    data = (struct iovec){child->outbox.data, child->outbox.len};
    if (sendmsg(child->fd, &message, MSG_NOSIGNAL) != (ssize_t)child->outbox.len)
        return error_set(err, ERROR_INTERNAL, "a plugin's process takes no message: %s",
                         strerror(errno));
    buffer_truncate(&child->outbox, 0);
    return true;
}

static bool spawn(struct process_child *child, const char *program, struct error *err)
{
    const char *const argv[] = {program, NULL};
    int pair[2];
    bool ok;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, ERROR_INTERNAL, "no socket for a plugin's process: %s",
                         strerror(errno));
    ok = spawn_process(argv, NULL, pair[1], -1, -1, &child->pid, err);
    close(pair[1]);
    child->fd = pair[0];
    child->is_gone = !ok;
    return ok;
}

struct process_child *process_child_start(const char *program, int library_fd, struct loop *loop,
                                          const struct process_child_events *events, void *arg,
                                          struct error *err)
{
    struct process_child *child = calloc(1, sizeof *child);

    if (child == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin's process");
        return NULL;
    }
    child->fd = -1;
    child->is_gone = true;
    child->events = *events;
    child->arg = arg;
    buffer_init(&child->inbox, WIRE_FRAME_MAX_BYTES + READ_BYTES + 64);
    buffer_init(&child->outbox, OUTBOX_MAX_BYTES);
    if (spawn(child, program, err) && say_hello(child, library_fd, err) &&
        (loop == NULL || process_child_attach(child, loop, err)))
        return child;
    process_child_free(child);
    return NULL;
}

/* ---- what it uses ---------------------------------------------------------------------------- */

pid_t process_child_pid(const struct process_child *child)
{
    return child->pid;
}

int64_t process_child_cpu_ms(const struct process_child *child)
{
    struct timespec used;
    clockid_t clock;

    if (child->is_gone || clock_getcpuclockid(child->pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

size_t process_threads(pid_t pid)
{
    struct stat folder;
    char path[40];

    /* proc(5): one folder for each thread, which a folder's count of links tells. */
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return stat(path, &folder) != 0 || folder.st_nlink < 2 ? 0 : folder.st_nlink - 2;
}

size_t process_child_threads(const struct process_child *child)
{
    return child->is_gone ? 0 : process_threads(child->pid);
}

int64_t process_memory(pid_t pid)
{
    char path[40], text[120];
    int64_t pages[3] = {0}; /* proc(5), statm: size, resident, shared */
    CLEANUP(cleanup_close) int fd = -1;
    struct slice rest = {text, 0};
    ssize_t len;

    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (len <= 0)
        return 0;
    rest.len = (size_t)len;
    for (size_t i = 0; i < 3; i++) {
        struct slice number = slice_cut(&rest, ' ');

        if (!parse_int64(number.data, number.len, &pages[i]))
            return 0;
    }
    return (pages[1] - pages[2]) * sysconf(_SC_PAGESIZE);
}

int64_t process_child_memory(const struct process_child *child)
{
    return child->is_gone ? 0 : process_memory(child->pid);
}
