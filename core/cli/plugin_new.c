/* sesame plugin new: a folder to begin a plugin with, made from the installed templates. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES ((size_t)256 * 1024)
#define PLACEHOLDER "@NAME@"

/* The files of each kind's template; the manifest takes the plugin's name. */
static const struct kind {
    const char *name;
    const char *files[8]; /* ends with NULL */
} kinds[] = {
    {"tool", {"plugin.c", "manifest.json", "test.c", "meson.build", "Makefile", "README.md"}},
    {"credential-provider",
     {"plugin.c", "provider.h", "manifest.json", "test.c", "meson.build", "Makefile", "README.md"}},
};

/* The plugin's id (plugin.h), which also names its files and what the model calls: so a letter
 * first, and nothing that a shell or a make file would take for something else. */
static bool check_name(const char *name, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz", other[] = "0123456789-";
    size_t len = strlen(name), fit = 0;

    while (fit < len && (strchr(letters, name[fit]) != NULL || strchr(other, name[fit]) != NULL))
        fit++;
    if (len >= 1 && len <= NAME_MAX_BYTES && fit == len && strchr(letters, name[0]) != NULL &&
        name[len - 1] != '-')
        return true;
    return error_set(err, ERROR_BAD_INPUT,
                     "\"%.80s\" is no name for a plugin: wanted are 1 to %d lower-case letters, "
                     "digits and hyphens, a letter first, no hyphen last, as in \"word-count\"",
                     name, NAME_MAX_BYTES);
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

static bool fill_in(const char *text, const char *name, struct buffer *out, struct error *err)
{
    const char *mark;

    while ((mark = strstr(text, PLACEHOLDER)) != NULL) {
        if (!buffer_add(out, text, (size_t)(mark - text), err) || !buffer_add_text(out, name, err))
            return false;
        text = mark + strlen(PLACEHOLDER);
    }
    return buffer_add_text(out, text, err);
}

static bool write_file(const char *path, const char *text, size_t len, struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    size_t done = 0;

    while (fd >= 0 && done < len) {
        ssize_t wrote = write(fd, text + done, len - done);

        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    return done == len ||
           error_set(err, ERROR_INTERNAL, "%s cannot be written: %s", path, strerror(errno));
}

/* Where a file of the template goes in the folder `name`. The caller frees. */
static char *path_in(const char *name, const char *file)
{
    bool is_manifest = strcmp(file, "manifest.json") == 0;
    char *path;

    return asprintf(&path, "%s/%s%s", name, is_manifest ? name : file, is_manifest ? ".json" : "") <
                   0
               ? NULL
               : path;
}

/* One file of the template `folder` into the folder `name`. */
static bool copy_file(const char *folder, const char *file, const char *name, struct error *err)
{
    CLEANUP(cleanup_free) char *from = NULL;
    CLEANUP(cleanup_free) char *to = path_in(name, file);
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(buffer_clear) struct buffer filled;
    size_t len;

    buffer_init(&filled, FILE_MAX_BYTES);
    if (to == NULL || asprintf(&from, "%s/%s", folder, file) < 0)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    text = config_read_file(from, &len, err);
    return text != NULL && fill_in(text, name, &filled, err) &&
           write_file(to, filled.data, filled.len, err);
}

static bool make_folder(const char *name, struct error *err)
{
    if (mkdir(name, 0755) == 0)
        return true;
    if (errno == EEXIST)
        return error_set(
            err, ERROR_BAD_INPUT,
            "there is a file or folder \"%s\" already: choose another name, or move it "
            "out of the way",
            name);
    return error_set(err, ERROR_DENIED, "the folder \"%s\" cannot be made: %s", name,
                     strerror(errno));
}

/* Half a plugin is of no use to anybody. */
static void remove_folder(const struct kind *kind, const char *name)
{
    for (const char *const *file = kind->files; *file != NULL; file++) {
        CLEANUP(cleanup_free) char *path = path_in(name, *file);

        if (path != NULL)
            (void)unlink(path);
    }
    (void)rmdir(name);
}

static bool make_plugin(const struct kind *kind, const char *name, struct error *err)
{
    CLEANUP(cleanup_free) char *templates = locate_templates();
    CLEANUP(cleanup_free) char *folder = NULL;

    if (templates == NULL || asprintf(&folder, "%s/%s", templates, kind->name) < 0)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    if (!check_name(name, err))
        return false;
    if (access(folder, R_OK | X_OK) != 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "the templates are not in %s: is sesame installed with all its files?",
                         folder);
    if (!make_folder(name, err))
        return false;
    for (const char *const *file = kind->files; *file != NULL; file++)
        if (!copy_file(folder, *file, name, err)) {
            remove_folder(kind, name);
            return false;
        }
    return true;
}

int plugin_new_command(const struct command_line *line)
{
    const struct kind *kind = find_kind(line->words[1]);
    const char *name = line->words[2];
    struct error err = {0};

    if (kind == NULL) {
        fprintf(stderr,
                "sesame: there is no kind of plugin \"%.40s\": it is tool or credential-provider\n",
                line->words[1]);
        return EXIT_WRONG_USE;
    }
    if (!make_plugin(kind, name, &err)) {
        fprintf(stderr, "sesame: %s\n", err.message);
        return err.code == ERROR_BAD_INPUT ? EXIT_WRONG_USE : EXIT_FAILED;
    }
    printf(
        "%s/ holds a %s to begin with; %s/README.md says how to build and try it:\n\n"
        "    cd %s && make && make check\n",
        name, line->words[1], name, name);
    return EXIT_DONE;
}
