/* Hostile plugins that use up what they have, or die. */
#include "hostile.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#define PAGE_BYTES ((size_t)4096)
#define MEMORY_MAX_BYTES ((size_t)1536 << 20) /* so that a failing test spares the machine */
#define THREADS_MAX 3000

static volatile int always = 1;

ACT(spins)
{
    (void)instance;
    (void)call;
    while (always)
        ;
}

ACT(sleeps_forever)
{
    (void)instance;
    (void)call;
    while (always)
        (void)poll(NULL, 0, -1);
}

static __attribute__((unused)) void *spin(void *unused)
{
    while (always)
        ;
    return unused;
}

/* Answers, and goes on burning processor time behind the host's back. */
ACT(works_in_the_background)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, spin, NULL) == 0)
        say(instance, call, "begun");
}

ACT(allocates_without_end)
{
    size_t bytes = 0;
    char *block;
    char text[60];

    while (bytes < MEMORY_MAX_BYTES && (block = malloc(1 << 20)) != NULL) {
        for (size_t i = 0; i < 1 << 20; i += PAGE_BYTES)
            block[i] = 1;
        bytes += 1 << 20;
    }
    (void)snprintf(text, sizeof text, "%zu MiB", bytes >> 20);
    say(instance, call, text);
}

static __attribute__((unused)) void *rest_forever(void *unused)
{
    while (always)
        (void)poll(NULL, 0, -1);
    return unused;
}

ACT(bombs_threads)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int count = 0;

    (void)call;
    (void)instance;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    while (count < THREADS_MAX && pthread_create(&thread, &attributes, rest_forever, NULL) == 0)
        count++;
    (void)rest_forever(NULL);
}

ACT(takes_all_descriptors)
{
    int pair[2];

    got(instance, "dup", dup(0));
    got(instance, "dup2", dup2(0, 40));
    got(instance, "dupfd", fcntl(0, F_DUPFD, 3));
    got(instance, "epoll", epoll_create1(0));
    got(instance, "eventfd", eventfd(0, 0));
    got(instance, "pipe", pipe(pair));
    got(instance, "timerfd", syscall(SYS_timerfd_create, 0, 0));
    got(instance, "signalfd", syscall(SYS_signalfd4, -1, &always, 8, 0));
    finish(instance, call);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static int deeper(volatile char *above)
{
    volatile char room[4096];

    room[0] = above[0];
    return always ? deeper(room) + room[0] : 0;
}

ACT(overflows_its_stack)
{
    volatile char room[1] = {0};

    (void)call;
    instance->report[0] = (char)deeper(room);
}

ACT(jumps_to_nowhere)
{
    void (*volatile nowhere)(void) = NULL;

    (void)instance;
    (void)call;
    nowhere();
}

ACT(aborts)
{
    (void)instance;
    (void)call;
    abort();
}

ACT(exits_quietly)
{
    (void)instance;
    (void)call;
    exit(0);
}

ACT(kills_itself)
{
    (void)instance;
    (void)call;
    (void)raise(SIGKILL);
}

ACT(closes_its_connection)
{
    (void)instance;
    (void)call;
    (void)close(0);
    (void)rest_forever(NULL);
}

ACT(dies_at_the_start)
{
    say(instance, call, "it lives");
}

#define STARTS_BADLY(act) (strcmp(#act, "dies_at_the_start") == 0)
#define STARTS_BADLY_(act) STARTS_BADLY(act)
#define HOSTILE_CREATE(instance)        \
    do {                                \
        if (STARTS_BADLY_(HOSTILE_ACT)) \
            abort();                    \
    } while (0)

#include "hostile_end.h"
