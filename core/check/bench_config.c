/* What instances are made with: the author's example, or a configuration made from the schema. */
#include "check/bench_private.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "check/example.h"
#include "check/peer.h"
#include "check/probe.h"
#include "check/sample.h"
#include "plugin/library.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL_FALLBACK "{\"ok\":true}"
#define TOKEN_FALLBACK                 \
    "{\"access_token\":\"" BENCH_TOKEN \
    "\",\"token_type\":\"Bearer\","    \
    "\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\",\"expires_in\":1200}"

/* ---- the example ----------------------------------------------------------------------------- */

/* The server's address stands in the example's texts, and its answers are the server's. */
void bench_make_example(struct bench *bench)
{
    struct json_object *example = bench->check->target->example;
    struct error err = {0};

    bench->peer = peer_open(bench->check, bench->is_tool ? TOOL_FALLBACK : TOKEN_FALLBACK);
    if (example == NULL)
        return;
    bench->example = example_fill(example, peer_url(bench->peer), bench->check->folder, &err);
    if (bench->example == NULL ||
        !example_set_up(bench->example, bench->check->folder, probe_add_secret, &err))
        check_fail(bench->check, "the example: %s", err.message);
    peer_use(bench->peer, json_get_array(bench->example, "answers"));
}

/* ---- from the schema ------------------------------------------------------------------------- */

/* A file or a variable with a secret that is seen again wherever it shows up. */
static struct json_object *make_secret(struct bench *bench, bool is_file)
{
    char name[64], path[120], value[64];
    unsigned number = ++bench->secret_count;
    int fd;

    (void)snprintf(value, sizeof value, "canary-secret-%u-%llx", number,
                   (unsigned long long)bench->check->target->seed);
    probe_add_secret(value);
    if (!is_file) {
        (void)snprintf(name, sizeof name, "SESAME_CHECK_SECRET_%u", number);
        if (!json_set(bench->variables, name, json_object_new_string(value)))
            check_fail(bench->check, "no memory");
        return json_object_new_string(name);
    }
    (void)snprintf(path, sizeof path, "%s/secret-%u", bench->check->folder, number);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
        check_fail(bench->check, "%s cannot be written", path);
    close(fd);
    return json_object_new_string(path);
}

static struct json_object *fill_mark(void *arg, struct json_object *property)
{
    struct bench *bench = arg;
    const char *secret = json_get_string(property, "x-secret", NULL);
    char url[100];

    if (json_object_object_get_ex(property, "x-origin", NULL)) {
        (void)snprintf(url, sizeof url, "%s/check", peer_url(bench->peer));
        return json_object_new_string(url);
    }
    if (json_object_object_get_ex(property, "x-credential", NULL))
        return json_object_new_string(BENCH_CREDENTIAL);
    if (json_object_object_get_ex(property, "x-program", NULL))
        return json_object_new_string("/bin/true");
    return secret == NULL ? NULL : make_secret(bench, strcmp(secret, "file") == 0);
}

char *bench_sample_config(struct bench *bench, int kind)
{
    CLEANUP(json_cleanup)
    struct json_object *value =
        sample_valid(bench->check, bench->library->schema_json, bench->library->schema,
                     (enum sample_kind)kind, fill_mark, bench);

    return value == NULL
               ? NULL
               : strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* In memory of our own: setenv keeps every value that was ever set, which would look like a leak.
 */
static void set_variables(struct json_object *variables)
{
    if (variables == NULL)
        return;
    json_object_object_foreach(variables, name, value)
    {
        char *item = json_object_get_userdata(value);

        if (item == NULL && asprintf(&item, "%s=%s", name, json_object_get_string(value)) > 0)
            json_object_set_userdata(value, item, NULL);
        /* The host has wiped it. */
        (void)snprintf(item, strlen(name) + 2 + (size_t)json_object_get_string_len(value), "%s=%s",
                       name, json_object_get_string(value));
        (void)putenv(item);
    }
}

void bench_set_variables(struct bench *bench)
{
    set_variables(bench->variables);
    if (bench->example != NULL)
        set_variables(json_get_object(bench->example, "variables"));
}

void bench_make_config(struct bench *bench)
{
    struct json_object *config =
        bench->example == NULL ? NULL : json_get_object(bench->example, "config");

    bench->variables = json_object_new_object();
    bench->config_json =
        config != NULL
            ? strdup(json_object_to_json_string_ext(config, JSON_C_TO_STRING_NOSLASHESCAPE))
            : bench_sample_config(bench, SAMPLE_LEAST);
}

const char *bench_config(struct bench *bench)
{
    if (bench->config_json == NULL)
        check_skip(bench->check,
                   "no configuration could be made from the schema; give one with "
                   "--example FILE");
    return bench->config_json;
}
