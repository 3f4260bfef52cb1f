/* Secrets that come by environment variable, taken once and kept for whoever names them again. */
#include "base/secret.h"

#include "base/error.h"
#include "base/secret_arena.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value left the environment when it was first taken. Only the owner's thread takes any. */
struct taken {
    struct taken *next;
    struct secret *secret;
    char name[];
};

static struct taken *all_taken;
static bool is_frozen;

static struct taken *find_taken(const char *name)
{
    struct taken *at = all_taken;

    while (at != NULL && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

static bool keep_taken(const char *name, struct secret *secret, struct error *err)
{
    struct taken *taken = find_taken(name);

    if (taken == NULL) {
        taken = calloc(1, sizeof *taken + strlen(name) + 1);
        if (taken == NULL)
            return error_set(err, ERROR_NO_MEMORY, "no memory for a secret's name");
        memcpy(taken->name, name, strlen(name) + 1);
        taken->next = all_taken;
        all_taken = taken;
    }
    secret_free(taken->secret);
    taken->secret = secret_ref(secret);
    return true;
}

/* NAME_FILE names a file instead, as systemd, Kubernetes and Docker hand out secrets. It is read
 * each time: it may have been exchanged. */
static struct secret *from_named_file(const char *name, struct error *err)
{
    char variable[200];
    int len = snprintf(variable, sizeof variable, "%s_FILE", name);
    const char *path = len < (int)sizeof variable ? getenv(variable) : NULL;
    struct secret *secret;

    if (path == NULL)
        return NULL;
    secret = secret_from_file(path, err);
    if (secret == NULL)
        error_prefix(err, "%s", variable);
    return secret;
}

static struct secret *take_value(const char *name, char *value, struct error *err)
{
    size_t len = slice_trim_line_end(slice_of(value)).len;
    struct secret *secret = secret_take_bytes(value, strlen(value), err);

    if (secret == NULL)
        return NULL;
    secret_shrink(secret, len);
    if (!is_frozen)
        unsetenv(name);
    if (keep_taken(name, secret, err))
        return secret;
    secret_free(secret);
    return NULL;
}

void secret_environment_freeze(void)
{
    is_frozen = true;
}

bool secret_environment_has(const char *name)
{
    return find_taken(name) != NULL;
}

struct secret *secret_from_environment(const char *name, struct error *err)
{
    char *value = getenv(name);
    struct taken *taken = find_taken(name);

    if (taken != NULL && (value == NULL || value[0] == '\0'))
        return secret_ref(taken->secret);
    return value == NULL ? from_named_file(name, err) : take_value(name, value, err);
}

void secret_environment_clear(void)
{
    while (all_taken != NULL) {
        struct taken *taken = all_taken;

        all_taken = taken->next;
        secret_free(taken->secret);
        free(taken);
    }
}
