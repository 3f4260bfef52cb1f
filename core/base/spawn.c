/* The only way this process starts another one. */
#include "base/spawn.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

/* Puts `fd` (-1: /dev/null) at descriptor `target` of the child. */
static int add_standard_fd(posix_spawn_file_actions_t *actions, int fd, int target)
{
    if (fd < 0)
        return posix_spawn_file_actions_addopen(actions, target, "/dev/null",
                                                target == 0 ? O_RDONLY : O_WRONLY, 0);
    return posix_spawn_file_actions_adddup2(actions, fd, target);
}

static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    int rc;

    sigfillset(&all);
    sigemptyset(&none);
    rc = posix_spawnattr_setsigdefault(attributes, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return rc;
}

bool spawn_process(const char *const *argv, const char *const *env, int stdin_fd, int stdout_fd,
                   int stderr_fd, pid_t *out_pid, struct error *err)
{
    static const char *const empty[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **arguments, **environment;
    pid_t pid = -1;
    int rc;

    /* posix_spawn takes char *const [] for old times' sake and changes nothing. */
    memcpy(&arguments, &argv, sizeof arguments);
    if (env == NULL)
        env = empty;
    memcpy(&environment, &env, sizeof environment);
    rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return error_set(err, ERROR_NO_MEMORY, "starting %s: %s", argv[0], strerror(rc));
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_signals(&attributes);
        if (rc == 0)
            rc = add_standard_fd(&actions, stdin_fd, 0);
        if (rc == 0)
            rc = add_standard_fd(&actions, stdout_fd, 1);
        if (rc == 0)
            rc = add_standard_fd(&actions, stderr_fd, 2);
        if (rc == 0)
            rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
        if (rc == 0)
            rc = posix_spawn(&pid, argv[0], &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return error_set(err, rc == ENOENT ? ERROR_NOT_FOUND : ERROR_INTERNAL, "starting %s: %s",
                         argv[0], strerror(rc));
    *out_pid = pid;
    return true;
}
