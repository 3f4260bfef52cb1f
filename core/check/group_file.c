/* Checks of the library's file: what the host asks of it before it opens it. */
#include "check/check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES ((long long)64 * 1024 * 1024)

static struct stat stat_file(struct check *check)
{
    struct stat found;

    if (stat(check->target->path, &found) != 0)
        check_fail(check, "%s is not there or cannot be looked at", check->target->path);
    return found;
}

static void is_regular(struct check *check)
{
    if (!S_ISREG(stat_file(check).st_mode))
        check_fail(check, "%s is something else than a regular file", check->target->path);
}

static void is_named_so(struct check *check)
{
    size_t len = strlen(check->target->name);

    if (len < 4 || strcmp(check->target->name + len - 3, ".so") != 0)
        check_fail(check, "the file is called %s", check->target->name);
}

static void check_owner(struct check *check, const char *path)
{
    struct stat found;

    if (stat(path, &found) != 0)
        check_fail(check, "%s cannot be looked at", path);
    if (found.st_uid != 0 && found.st_uid != geteuid())
        check_fail(check, "%s belongs to user %u", path, (unsigned)found.st_uid);
}

static void check_mode(struct check *check, const char *path)
{
    struct stat found;

    if (stat(path, &found) != 0)
        check_fail(check, "%s cannot be looked at", path);
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        check_fail(check, "%s has mode %04o", path, (unsigned)found.st_mode & 07777);
}

static void has_owner(struct check *check)
{
    check_owner(check, check->target->path);
}

static void has_mode(struct check *check)
{
    check_mode(check, check->target->path);
}

static void has_folder_owner(struct check *check)
{
    check_owner(check, check->target->directory);
}

static void has_folder_mode(struct check *check)
{
    check_mode(check, check->target->directory);
}

static void has_no_set_id(struct check *check)
{
    mode_t mode = stat_file(check).st_mode;

    if ((mode & (S_ISUID | S_ISGID)) != 0)
        check_fail(check, "%s has mode %04o", check->target->path, (unsigned)mode & 07777);
}

static void has_size(struct check *check)
{
    struct stat found = stat_file(check);

    if (found.st_size > SIZE_MAX_BYTES)
        check_fail(check, "%s has %lld bytes", check->target->path, (long long)found.st_size);
}

static const struct check_case cases[] = {
    {"file.regular", "The library is a regular file.",
     "The host opens nothing else: no pipe, device or folder.", CHECK_ANY, CHECK_ONCE, is_regular},
    {"file.name", "The library's name ends in `.so`.",
     "Packagers and operators tell plugins by it; `sesame plugin` finds the manifest by the name "
     "before it.",
     CHECK_ANY, CHECK_ONCE, is_named_so},
    {"file.owner", "The library belongs to root or to the user who runs the host.",
     "Who owns the file can exchange it, and would be the host then. Run `chown`.", CHECK_ANY,
     CHECK_ONCE, has_owner},
    {"file.mode", "Nobody but its owner can write the library.",
     "Who can write the file can be the host. Run `chmod go-w`.", CHECK_ANY, CHECK_ONCE, has_mode},
    {"file.folder-owner", "The folder belongs to root or to the user who runs the host.",
     "Who owns the folder can put another file in the library's place.", CHECK_ANY, CHECK_ONCE,
     has_folder_owner},
    {"file.folder-mode", "Nobody but its owner can write the folder.",
     "Who can write the folder can put another file in the library's place. Run `chmod go-w`.",
     CHECK_ANY, CHECK_ONCE, has_folder_mode},
    {"file.no-set-id", "The library has neither the set-user-id nor the set-group-id bit.",
     "A library needs neither, and both are signs of a mistake in packaging. Run `chmod ug-s`.",
     CHECK_ANY, CHECK_ONCE, has_no_set_id},
    {"file.size", "The library has at most 64 MiB.",
     "Every process of a plugin maps it. Strip it, or take out data that belongs into files.",
     CHECK_ANY, CHECK_ONCE, has_size},
};

const struct check_group check_group_file = {"file", "The file", cases,
                                             sizeof cases / sizeof cases[0]};
