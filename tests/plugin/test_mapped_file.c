/* A library's file is one descriptor for good: the same file again is the same, a new file another,
 * and one that was written over is refused. */
#include "plugin/mapped_file.h"

#include "base/error.h"

#include "../support/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40], path[64], other[64];

static void write_text(const char *to, const char *text)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/sesame-mapped-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tool.so", folder);
    snprintf(other, sizeof other, "%s/tool.so.new", folder);
    write_text(path, "first");
}

static void tear_down(void)
{
    unlink(path);
    rmdir(folder);
}

static int keep(struct error *err)
{
    return mapped_file_keep(open(path, O_RDONLY | O_CLOEXEC), path, err);
}

START_TEST(the_same_file_is_the_same_descriptor)
{
    struct error err = {0};
    int first = keep(&err), next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(first, 0);
    close(next);
    ck_assert_int_eq(keep(&err), first);
    ck_assert_int_eq(open("/dev/null", O_RDONLY | O_CLOEXEC), next); /* nothing stayed open */
    close(next);
}
END_TEST

START_TEST(a_new_file_is_another)
{
    struct error err = {0};
    int first = keep(&err), second;
    char bytes[8] = "";

    write_text(other, "second");
    ck_assert_int_eq(rename(other, path), 0);
    second = keep(&err);
    ck_assert_int_ne(second, first);
    ck_assert_int_eq(pread(first, bytes, 5, 0), 5);
    ck_assert_str_eq(bytes, "first");
}
END_TEST

START_TEST(a_file_that_was_written_over_is_refused)
{
    struct error err = {0};

    ck_assert_int_ge(keep(&err), 0);
    write_text(path, "written over");
    ck_assert_int_eq(keep(&err), -1);
    ck_assert_str_eq(err.name, "PluginChangedInPlace");
    ck_assert_ptr_nonnull(strstr(err.message, path));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_same_file_is_the_same_descriptor, a_new_file_is_another,
                                  a_file_that_was_written_over_is_refused, NULL};

    return run_tests("mapped_file", tests, set_up, tear_down);
}
