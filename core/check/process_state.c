/* What belongs to the whole process and not to a plugin, as it is at one moment. */
#include "check/process_state.h"

#include <dirent.h>
#include <fenv.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

size_t process_thread_count(void)
{
    size_t entries = count_entries("/proc/self/task");

    return entries < 2 ? 0 : entries - 2; /* "." and ".." */
}

size_t process_descriptor_count(void)
{
    size_t entries = count_entries("/proc/self/fd");

    return entries < 3 ? 0 : entries - 3; /* and the one that reads it */
}

static uint64_t hash_environment(void)
{
    uint64_t hash = 0;

    for (char **item = environ; item != NULL && *item != NULL; item++)
        for (const char *at = *item;; at++) {
            hash = (hash ^ (unsigned char)*at) * 0x100000001b3u + 1;
            if (*at == '\0')
                break;
        }
    return hash;
}

void process_state_take(struct process_state *out)
{
    const char *locale = setlocale(LC_ALL, NULL);

    memset(out, 0, sizeof *out);
    out->threads = process_thread_count();
    out->descriptors = process_descriptor_count();
    for (int i = 1; i < PROCESS_SIGNAL_COUNT; i++)
        (void)sigaction(i, NULL, &out->signals[i]);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &out->mask);
    out->environment = hash_environment();
    (void)snprintf(out->locale, sizeof out->locale, "%s", locale == NULL ? "" : locale);
    out->umask = umask(0);
    (void)umask(out->umask);
    if (getcwd(out->folder, sizeof out->folder) == NULL)
        out->folder[0] = '\0';
    for (int i = 0; i < PROCESS_LIMIT_COUNT; i++)
        (void)getrlimit((__rlimit_resource_t)i, &out->limits[i]);
    out->is_dumpable = prctl(PR_GET_DUMPABLE);
    out->rounding = fegetround();
}

static int first_signal(const struct process_state *before, const struct process_state *after)
{
    for (int i = 1; i < PROCESS_SIGNAL_COUNT; i++)
        if (before->signals[i].sa_handler != after->signals[i].sa_handler ||
            before->signals[i].sa_flags != after->signals[i].sa_flags)
            return i;
    return 0;
}

static int first_masked(const struct process_state *before, const struct process_state *after)
{
    for (int i = 1; i < PROCESS_SIGNAL_COUNT; i++)
        if (sigismember(&before->mask, i) != sigismember(&after->mask, i))
            return i;
    return 0;
}

const char *process_state_difference(const struct process_state *before,
                                     const struct process_state *after, unsigned parts, char *out,
                                     size_t size)
{
    int number;

    out[0] = '\0';
    if ((parts & STATE_THREADS) != 0 && after->threads > before->threads)
        (void)snprintf(out, size, "%zu threads are there, %zu were before", after->threads,
                       before->threads);
    else if ((parts & STATE_DESCRIPTORS) != 0 && after->descriptors > before->descriptors)
        (void)snprintf(out, size, "%zu descriptors are open, %zu were before", after->descriptors,
                       before->descriptors);
    else if ((parts & STATE_SIGNALS) != 0 && (number = first_signal(before, after)) != 0)
        (void)snprintf(out, size, "the handler of signal %d (%s) has changed", number,
                       strsignal(number));
    else if ((parts & STATE_MASK) != 0 && (number = first_masked(before, after)) != 0)
        (void)snprintf(out, size, "whether signal %d (%s) is blocked has changed", number,
                       strsignal(number));
    else if ((parts & STATE_ENVIRONMENT) != 0 && before->environment != after->environment)
        (void)snprintf(out, size, "the environment has changed");
    else if ((parts & STATE_LOCALE) != 0 && strcmp(before->locale, after->locale) != 0)
        (void)snprintf(out, size, "the locale is \"%.80s\", was \"%.80s\"", after->locale,
                       before->locale);
    else if ((parts & STATE_UMASK) != 0 && before->umask != after->umask)
        (void)snprintf(out, size, "the file mode mask is %03o, was %03o", (unsigned)after->umask,
                       (unsigned)before->umask);
    else if ((parts & STATE_FOLDER) != 0 && strcmp(before->folder, after->folder) != 0)
        (void)snprintf(out, size, "the working folder is %.100s, was %.100s", after->folder,
                       before->folder);
    else if ((parts & STATE_LIMITS) != 0 &&
             memcmp(before->limits, after->limits, sizeof before->limits) != 0)
        (void)snprintf(out, size, "a resource limit has changed");
    else if ((parts & STATE_DUMPABLE) != 0 && before->is_dumpable != after->is_dumpable)
        (void)snprintf(out, size, "whether the process can be dumped has changed");
    else if ((parts & STATE_ROUNDING) != 0 && before->rounding != after->rounding)
        (void)snprintf(out, size, "how floating-point numbers are rounded has changed");
    return out[0] == '\0' ? NULL : out;
}
