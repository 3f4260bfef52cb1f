/* Hostile plugins that write to the host's socket themselves. */
#include "hostile.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

/* As core/plugin/wire.h has them; a plugin can know them. */
enum { COMPLETE = 36, EMIT = 37, LOG = 39, HTTP_START = 40, CHECK = 43, PONG = 46, GUARDED = 32 };

struct header {
    uint32_t len;
    uint16_t type, reserved;
    uint64_t handle;
};

static __attribute__((unused)) bool send_all(const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t sent = send(0, at, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

static __attribute__((unused)) bool send_frame(uint16_t type, uint64_t handle, const void *payload,
                                               size_t len)
{
    struct header header = {(uint32_t)len, type, 0, handle};

    return send_all(&header, sizeof header) && send_all(payload, len);
}

static __attribute__((unused)) void wait_for_the_end(void)
{
    while (true)
        (void)poll(NULL, 0, -1);
}

ACT(sends_garbage)
{
    char garbage[4096];

    (void)instance;
    (void)call;
    if (getrandom(garbage, sizeof garbage, 0) < 0)
        abort();
    garbage[1] = 0; /* short enough to be taken for a frame */
    garbage[2] = garbage[3] = 0;
    (void)send_all(garbage, sizeof garbage);
    wait_for_the_end();
}

ACT(claims_huge_frames)
{
    struct header header = {UINT32_MAX, LOG, 0, 0};

    (void)instance;
    (void)call;
    (void)send_all(&header, sizeof header);
    wait_for_the_end();
}

ACT(stops_within_a_frame)
{
    struct header header = {1000, LOG, 0, 0};

    (void)instance;
    (void)call;
    (void)send_all(&header, 9);
    wait_for_the_end();
}

/* Whole frames, as large as they may be, until the host has had enough. */
ACT(sends_two_gigabytes)
{
    const size_t len = (size_t)5 << 20;
    char *much = calloc(1, len);
    uint32_t text_len = (uint32_t)len - 8;

    (void)instance;
    (void)call;
    memcpy(much + 4, &text_len, sizeof text_len);
    for (int i = 0; i < 410; i++)
        if (!send_frame(COMPLETE, 77, much, len))
            break;
    wait_for_the_end();
}

ACT(lies_about_counts)
{
    struct {
        uint32_t method, url, credential, body, count;
    } request = {0, 0, 0, 0, UINT32_MAX};

    (void)instance;
    (void)call;
    (void)send_frame(HTTP_START, 1, &request, sizeof request);
    wait_for_the_end();
}

ACT(lies_about_lengths)
{
    struct {
        int32_t status;
        uint32_t len;
        char text[2];
    } completion = {0, 1000000, "{"};

    (void)instance;
    (void)send_frame(COMPLETE, call, &completion, sizeof completion);
    wait_for_the_end();
}

ACT(adds_to_frames)
{
    struct {
        int32_t status;
        uint32_t len;
        char more[400];
    } completion = {0, 2, "{}and more"};

    (void)instance;
    (void)send_frame(COMPLETE, call, &completion, sizeof completion);
    wait_for_the_end();
}

ACT(forges_guards)
{
    uint32_t all = ~0u;

    (void)instance;
    (void)call;
    (void)send_frame(GUARDED, 0, &all, sizeof all);
    wait_for_the_end();
}

/* A life insurance: a sign of life for every question to come. */
ACT(answers_before_it_is_asked)
{
    (void)instance;
    (void)call;
    (void)send_frame(PONG, 0, NULL, 0);
    wait_for_the_end();
}

/* Asks on and on, and leaves the answers where they are. */
ACT(does_not_read)
{
    struct {
        uint32_t name_len;
        char name[4];
        uint32_t url_len;
    } question = {4, "evil", 0};

    (void)instance;
    (void)call;
    while (send_frame(CHECK, 0, &question, sizeof question))
        continue;
    wait_for_the_end();
}

/* Descriptors beside the bytes of a frame that is fine: the host must not keep them. */
ACT(sends_descriptors)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.bytes = {0}};
    struct {
        struct header header;
        uint32_t len;
    } __attribute__((packed)) progress = {{4, EMIT, 0, call}, 0};
    struct iovec data = {&progress, sizeof progress};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fd = 1;

    control.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    for (int i = 0; i < 100; i++)
        (void)sendmsg(0, &message, MSG_NOSIGNAL);
    finish(instance, call);
}

/* Takes the frames of the host away from the code that reads them. */
ACT(steals_frames)
{
    char bytes[4096];

    (void)instance;
    (void)call;
    while (recv(0, bytes, sizeof bytes, 0) > 0)
        continue;
    wait_for_the_end();
}

#include "hostile_end.h"
