/* Becomes the one program that the operator granted a tool. */
#include "sandbox/program.h"

#include "plugin/wire.h"
#include "sandbox/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ORDER_MAX_BYTES ((size_t)64 * 1024)
#define FD_MAX_COUNT 18
#define ARGUMENT_MAX_COUNT 4096
#define EXIT_NOT_STARTED 127

struct order {
    bool is_trial;
    uint64_t memory_bytes;
    char **argv;           /* ends with NULL; never freed */
    int fds[FD_MAX_COUNT]; /* the program, its input, what it may read */
    size_t fd_count;
};

/* Adds what has come to `bytes`; the descriptors are beside the first of them. */
static bool receive(int host_fd, char *bytes, size_t *len, struct order *order)
{
    union {
        char bytes[CMSG_SPACE(sizeof order->fds)];
        struct cmsghdr header;
    } control;
    struct iovec data = {bytes + *len, ORDER_MAX_BYTES - *len};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(host_fd, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

    if (got <= 0)
        return false;
    *len += (size_t)got;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        return true;
    order->fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof order->fds[0];
    memcpy(order->fds, CMSG_DATA(header), order->fd_count * sizeof order->fds[0]);
    return true;
}

static char *copy_text(struct slice text)
{
    char *copy = slice_dup(text);

    if (copy == NULL)
        _exit(EXIT_NOT_STARTED);
    return copy;
}

static bool read_order(const struct wire_frame *frame, struct order *order)
{
    struct wire_reader reader = wire_read(frame);
    uint32_t version = wire_get_u32(&reader), count;

    order->is_trial = wire_get_u32(&reader) != 0;
    order->memory_bytes = wire_get_u64(&reader);
    count = wire_get_u32(&reader);
    if (frame->type != WIRE_PROGRAM || version != WIRE_VERSION || count == 0 ||
        count > ARGUMENT_MAX_COUNT || order->fd_count < 2)
        return false;
    order->argv = calloc(count + 1, sizeof *order->argv);
    for (uint32_t i = 0; order->argv != NULL && i < count; i++)
        order->argv[i] = copy_text(wire_get_text(&reader));
    return order->argv != NULL && wire_is_whole(&reader);
}

static bool take_order(int host_fd, struct order *order)
{
    static char bytes[ORDER_MAX_BYTES];
    struct wire_frame frame;
    size_t len = 0;

    while (receive(host_fd, bytes, &len, order)) {
        struct slice rest = {bytes, len};

        if (wire_next(&rest, &frame) == WIRE_FRAME)
            return read_order(&frame, order);
    }
    return false;
}

static int fail(const char *what)
{
    (void)fprintf(stderr, "sesame-sandbox: %s\n", what);
    return EXIT_NOT_STARTED;
}

int program_become(int host_fd)
{
    static char *const no_environment[] = {NULL};
    struct order order = {0};
    uint32_t guards;

    if (!take_order(host_fd, &order))
        return fail("the host's order cannot be understood");
    if (dup3(order.fds[0], GUARD_PROGRAM_FD, O_CLOEXEC) != GUARD_PROGRAM_FD)
        return fail("there is no room for the program's descriptor");
    guards = guard_process(host_fd, order.memory_bytes);
    /* It takes the place of the socket to the host. */
    if (dup2(order.fds[1], STDIN_FILENO) != STDIN_FILENO)
        return fail("there is no room for the input");
    guards = guard_program(guards, order.fds + 2, order.fd_count - 2);
    if (order.is_trial)
        return write(STDOUT_FILENO, &guards, sizeof guards) == (ssize_t)sizeof guards ? 0 : 1;
    if (guards != GUARD_ALL)
        return fail("it cannot be held back as it must be");
    (void)syscall(SYS_execveat, GUARD_PROGRAM_FD, "", order.argv, no_environment, AT_EMPTY_PATH);
    return fail(strerror(errno));
}
