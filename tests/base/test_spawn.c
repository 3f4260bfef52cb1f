/* A child gets an empty environment and no descriptor but the three standard ones. */
#include "base/spawn.h"

#include "base/error.h"

#include "../support/run.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_child_sees_neither_environment_nor_descriptors)
{
    static const char *const argv[] = {"/bin/sh", "-c", "env; ls /proc/self/fd | wc -l", NULL};
    struct error err = {0};
    char seen[4096];
    int fds[2], status, leak = open("/dev/null", O_RDONLY);
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    setenv("SESAME_LEAK", "child-canary", 1);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert(spawn_process(argv, NULL, -1, fds[1], -1, &pid, &err));
    close(fds[1]);
    while ((got = read(fds[0], seen + len, sizeof seen - 1 - len)) > 0)
        len += (size_t)got;
    seen[len] = '\0';
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_ptr_null(strstr(seen, "canary"));
    /* 0, 1, 2 and the one ls itself opens to read the folder. */
    ck_assert_msg(strstr(seen, "\n4\n") != NULL || strncmp(seen, "4\n", 2) == 0, "%s", seen);
    close(leak);
    close(fds[0]);
}
END_TEST

START_TEST(a_program_that_does_not_exist_is_named)
{
    static const char *const argv[] = {"/nonexistent/program", NULL};
    struct error err = {0};
    pid_t pid = -7;

    ck_assert(!spawn_process(argv, NULL, -1, -1, -1, &pid, &err));
    ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/program"));
    ck_assert_int_eq(pid, -7);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_child_sees_neither_environment_nor_descriptors,
                                  a_program_that_does_not_exist_is_named, NULL};

    return run_tests("spawn", tests, NULL, NULL);
}
