/* The one program that the operator granted a tool, held by its descriptor. */
#include "plugin/granted_program.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "config/host_config.h"
#include "plugin/library.h"
#include "plugin/program_run.h"
#include "plugin/trust.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* By its descriptor only a program can be started that the kernel starts itself: a script's
 * interpreter would be told a name that is gone by then (execveat(2), BUGS). */
static bool check_kind(int fd, const char *path, struct error *err)
{
    char head[SELFMAG] = {0};

    if (pread(fd, head, sizeof head, 0) == SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        return true;
    if (memcmp(head, "#!", 2) == 0)
        return error_set(err, ERROR_BAD_INPUT,
                         "%s is a script: make its interpreter the program, put the script first "
                         "into \"arguments\" and into \"reads\"",
                         path);
    return error_set(err, ERROR_BAD_INPUT, "%s is no ELF program", path);
}

static bool open_program(struct granted_program *program, struct error *err)
{
    const char *path = program->config->path, *digest = program->config->sha256;

    program->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (program->fd < 0 || fstat(program->fd, &program->found) != 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(program->found.st_mode) || (program->found.st_mode & 0111) == 0)
        return error_set(err, ERROR_BAD_INPUT, "%s is no file that may be executed", path);
    /* It would keep its owner's rights only where it gets none: it would just not work. */
    if ((program->found.st_mode & (S_ISUID | S_ISGID)) != 0)
        return error_set(err, ERROR_DENIED, "%s takes its owner's rights, which it cannot have",
                         path);
    return plugin_check_owner(path, &program->found, err) && check_kind(program->fd, path, err) &&
           (digest == NULL || digest[0] == '\0' ||
            plugin_trust_check_digest(digest, program->fd, path, err));
}

static bool open_read(struct granted_program *program, const char *path, struct error *err)
{
    struct statfs place;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, ERROR_NOT_FOUND, "\"reads\": %s cannot be opened: %s", path,
                         strerror(errno));
    program->reads[program->read_count++] = fd;
    if (fstatfs(fd, &place) == 0 &&
        (place.f_type == PROC_SUPER_MAGIC || place.f_type == SYSFS_MAGIC))
        return error_set(err, ERROR_DENIED, "\"reads\": %s shows other processes or the kernel",
                         path);
    return true;
}

static bool open_reads(struct granted_program *program, struct error *err)
{
    const struct program_config *config = program->config;

    if (config->read_count > GRANTED_READ_MAX_COUNT)
        return error_set(err, ERROR_BAD_INPUT, "\"reads\" has %zu entries, expected %d at most",
                         config->read_count, GRANTED_READ_MAX_COUNT);
    for (size_t i = 0; i < config->read_count; i++)
        if (!open_read(program, config->reads[i], err))
            return false;
    return true;
}

struct granted_program *granted_program_open(const struct program_config *config,
                                             const char *sandbox, struct error *err)
{
    struct granted_program *program = calloc(1, sizeof *program);

    if (program != NULL) {
        atomic_init(&program->references, 1);
        program->fd = -1;
        program->config = config;
        program->sandbox = strdup(sandbox);
    }
    if (program == NULL || program->sandbox == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for a program");
    else if (open_program(program, err) && open_reads(program, err) && program_try(program, err))
        return program;
    granted_program_free(program);
    return NULL;
}

struct granted_program *granted_program_ref(struct granted_program *program)
{
    if (program != NULL)
        atomic_fetch_add(&program->references, 1);
    return program;
}

void granted_program_free(struct granted_program *program)
{
    if (program == NULL || atomic_fetch_sub(&program->references, 1) > 1)
        return;
    if (program->fd >= 0)
        close(program->fd);
    for (size_t i = 0; i < program->read_count; i++)
        close(program->reads[i]);
    free(program->sandbox);
    free(program);
}

bool granted_program_is_same(const struct granted_program *program, struct error *err)
{
    struct stat now;

    /* Not the time of change: it is another as soon as an update takes the file's name away. */
    if (fstat(program->fd, &now) == 0 && now.st_size == program->found.st_size &&
        now.st_mtim.tv_sec == program->found.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == program->found.st_mtim.tv_nsec)
        return true;
    return error_set(err, ERROR_DENIED,
                     "%s was changed since the host started: start the host again to use it",
                     program->config->path);
}
