/* The files of libraries that are mapped into this process, which they stay. */
#include "plugin/mapped_file.h"

#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mapped_file {
    struct mapped_file *next;
    struct stat found;
    int fd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapped_file *files;

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* With the lock held. */
static struct mapped_file *find_file(const struct stat *found)
{
    struct mapped_file *file = files;

    while (file != NULL &&
           (file->found.st_dev != found->st_dev || file->found.st_ino != found->st_ino))
        file = file->next;
    return file;
}

/* With the lock held; -1 when there is no memory. */
static int add_file(const struct stat *found, int fd, struct error *err)
{
    struct mapped_file *file = malloc(sizeof *file);

    if (file == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
        return -1;
    }
    *file = (struct mapped_file){files, *found, fd};
    files = file;
    return fd;
}

int mapped_file_keep(int fd, const char *path, struct error *err)
{
    struct mapped_file *file;
    struct stat found;
    int kept = -1;

    if (fstat(fd, &found) != 0) {
        error_set(err, ERROR_INTERNAL, "%s: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    pthread_mutex_lock(&lock);
    file = find_file(&found);
    if (file == NULL)
        kept = add_file(&found, fd, err);
    else if (is_unchanged(&file->found, &found))
        kept = file->fd;
    else
        error_set_named(err, ERROR_DENIED, "PluginChangedInPlace",
                        "%s was written over while this process has it mapped; put a new file in "
                        "its place (install or mv, not cp), or restart the host",
                        path);
    pthread_mutex_unlock(&lock);
    if (kept != fd)
        close(fd);
    return kept;
}
