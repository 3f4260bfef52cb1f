/* What belongs to the whole process and not to a plugin, as it is at one moment. */
#ifndef SESAME_CHECK_PROCESS_STATE_H
#define SESAME_CHECK_PROCESS_STATE_H

#include <locale.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define PROCESS_SIGNAL_COUNT 65
#define PROCESS_LIMIT_COUNT 16

struct process_state {
    size_t threads;
    size_t descriptors;
    struct sigaction signals[PROCESS_SIGNAL_COUNT];
    sigset_t mask;
    uint64_t environment; /* a hash of names and values */
    char locale[300];
    mode_t umask;
    char folder[1024];
    struct rlimit limits[PROCESS_LIMIT_COUNT];
    int is_dumpable;
    int rounding; /* of floating-point numbers */
};

void process_state_take(struct process_state *out);

enum {
    STATE_THREADS = 1u << 0,
    STATE_DESCRIPTORS = 1u << 1,
    STATE_SIGNALS = 1u << 2,
    STATE_MASK = 1u << 3,
    STATE_ENVIRONMENT = 1u << 4,
    STATE_LOCALE = 1u << 5,
    STATE_UMASK = 1u << 6,
    STATE_FOLDER = 1u << 7,
    STATE_LIMITS = 1u << 8,
    STATE_DUMPABLE = 1u << 9,
    STATE_ROUNDING = 1u << 10,
    STATE_SETTINGS = 0x7fc /* all but threads and descriptors, which a host has of its own */
};
/* What about the first of `parts` that differs is different, written to `out`; NULL: none differs.
 * More threads or descriptors than before count, fewer do not. */
const char *process_state_difference(const struct process_state *before,
                                     const struct process_state *after, unsigned parts, char *out,
                                     size_t size);

/* Numbers of threads and of open descriptors of this process. */
size_t process_thread_count(void);
size_t process_descriptor_count(void);

#endif
