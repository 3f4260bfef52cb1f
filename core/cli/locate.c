/* Where the plugins and the page lie: beside the program in a build tree, else where installed. */
#include "cli/locate.h"

#include "base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `name` in the folder of the running program, when it can be used with `mode`. */
static char *beside_program(const char *name, int mode)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash, *path;

    if (len <= 0)
        return NULL;
    program[len] = '\0';
    slash = strrchr(program, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    if (asprintf(&path, "%s/%s", program, name) < 0)
        return NULL;
    if (access(path, mode) == 0)
        return path;
    free(path);
    return NULL;
}

static char *locate(const char *configured, const char *build_name, const char *installed)
{
    char *path;

    if (configured[0] != '\0')
        return strdup(configured);
    path = beside_program(build_name, R_OK | X_OK);
    return path != NULL ? path : strdup(installed);
}

char *locate_plugins(const char *configured)
{
    return locate(configured, "sesame-plugins", SESAME_PLUGIN_DIR);
}

char *locate_web(const char *configured)
{
    return locate(configured, "sesame-web", SESAME_WEB_DIR);
}

char *locate_templates(void)
{
    return locate("", "sesame-template", SESAME_TEMPLATE_DIR);
}

char *locate_sandbox(void)
{
    char *path = beside_program("sesame-sandbox", X_OK);

    return path != NULL ? path : strdup(SESAME_LIBEXEC_DIR "/sesame-sandbox");
}

char *locate_program(const char *name)
{
    return beside_program(name, X_OK);
}
