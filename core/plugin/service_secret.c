/* Host services for credential providers: secrets as handles, platform credentials. */
#include "plugin/instance.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/wipe_alloc.h"
#include "credential/platform_credentials.h"
#include "plugin/plugin_config.h"

#include <ctype.h>
#include <limits.h>
#include <sesame/services.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOIN_MAX_BYTES (1024 * 1024)
#define PROGRAM_ARGUMENT_MAX_COUNT 32

static struct secret *get(struct plugin_instance *instance, uint64_t handle)
{
    struct secret *secret =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_SECRET, handle);

    if (instance != NULL && secret == NULL)
        instance_misbehaved(instance, "unknown_handle");
    return secret;
}

/* Takes `secret` on success and on failure. */
static int32_t give(struct plugin_instance *instance, struct secret *secret,
                    const struct error *err, uint64_t *out)
{
    if (secret == NULL) {
        instance_explain(instance, err);
        return status_of_error(err);
    }
    *out = handle_add(&instance->handles, HANDLE_SECRET, secret);
    if (*out != 0)
        return SESAME_OK;
    secret_free(secret);
    return SESAME_LIMIT;
}

/* Only where the file is ours: one that the platform mounts is not for us to change. */
static void warn_if_shared(struct plugin_instance *instance, struct instance_secret *item)
{
    struct stat status;

    if (item->has_warned || stat(item->file, &status) != 0 || status.st_uid != geteuid() ||
        (status.st_mode & (S_IROTH | S_IWOTH)) == 0)
        return;
    item->has_warned = true;
    log_warn("plugin", "a file that holds secrets is open to others: take their rights away",
             LOG_TEXT("name", instance->name), LOG_TEXT("file", item->file));
}

static int32_t from_config(const struct sesame_host *host, struct sesame_text pointer,
                           uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    for (size_t i = 0; i < instance->secret_count; i++) {
        struct instance_secret *item = &instance->secrets[i];

        if (!slice_equal_text(slice_from(pointer), item->pointer))
            continue;
        if (item->file != NULL)
            warn_if_shared(instance, item);
        if (item->file != NULL)
            return give(instance, secret_from_file(item->file, &err), &err, out_secret);
        if (item->secret != NULL)
            return give(instance, secret_ref(item->secret), &err, out_secret);
        error_set_named(&err, ERROR_NOT_FOUND, "SecretNotFound",
                        "the environment variable %s is not set, and %s_FILE names no file",
                        item->variable, item->variable);
        return give(instance, NULL, &err, out_secret);
    }
    return SESAME_NOT_FOUND;
}

static bool copy_text(struct sesame_text pointer, char *out, size_t size)
{
    if (pointer.len >= size)
        return false;
    if (pointer.len > 0)
        memcpy(out, pointer.data, pointer.len);
    out[pointer.len] = '\0';
    return true;
}

static int32_t json_take(const struct sesame_host *host, uint64_t json_secret,
                         struct sesame_text pointer, uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct secret *json = get(instance, json_secret), *taken = NULL;
    struct error err = {0};
    char place[256];
    const char *text;
    size_t len;

    if (json == NULL || !copy_text(pointer, place, sizeof place))
        return SESAME_NOT_FOUND;
    text = secret_borrow(json, &len);
    (void)json_take_secret(text, len, place, &taken, &err);
    return give(instance, taken, &err, out_secret);
}

static int32_t json_read(const struct sesame_host *host, uint64_t json_secret,
                         struct sesame_text pointer, char *out, size_t out_capacity,
                         size_t *out_len)
{
    struct plugin_instance *instance = instance_enter(host);
    struct secret *json = get(instance, json_secret);
    struct error err = {0};
    char place[256];
    const char *text, *value;
    size_t len, value_len;

    if (json == NULL || !copy_text(pointer, place, sizeof place))
        return SESAME_NOT_FOUND;
    text = secret_borrow(json, &len);
    if (!json_check(text, len, JSON_DEPTH_DEFAULT, &err)) {
        instance_explain(instance, &err);
        return SESAME_BAD_INPUT;
    }
    if (!json_find(text, len, place, &value, &value_len))
        return SESAME_NOT_FOUND;
    if (value_len > out_capacity)
        return SESAME_LIMIT;
    memcpy(out, value, value_len);
    *out_len = value_len;
    return SESAME_OK;
}

/* Everything but unreserved characters (RFC 3986, section 2.3) as %XX. */
static bool add_percent(struct secret_builder *out, const char *bytes, size_t len,
                        struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool is_plain = c < 0x80 && c != '\0' && (isalnum(c) || strchr("-._~", c) != NULL);

        if (!secret_builder_add(out, is_plain ? &bytes[i] : escaped, is_plain ? 1 : 3, err))
            return false;
    }
    return true;
}

static bool add_part(struct plugin_instance *instance, struct secret_builder *out,
                     const struct sesame_secret_part *part, struct error *err)
{
    struct secret *secret;
    const char *bytes;
    size_t len;

    if (part->text.len > 0 && !secret_builder_add(out, part->text.data, part->text.len, err))
        return false;
    if (part->secret == 0)
        return true;
    secret = get(instance, part->secret);
    if (secret == NULL)
        return error_set(err, ERROR_NOT_FOUND, "a part names a secret that is not there");
    bytes = secret_borrow(secret, &len);
    return part->encoding == SESAME_PART_PERCENT ? add_percent(out, bytes, len, err)
                                                 : secret_builder_add(out, bytes, len, err);
}

static int32_t join(const struct sesame_host *host, const struct sesame_secret_part *parts,
                    size_t count, uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct secret_builder out;
    struct secret *joined = NULL;
    struct error err = {0};
    bool ok = true;

    if (instance == NULL)
        return SESAME_INTERNAL;
    secret_builder_init(&out, JOIN_MAX_BYTES);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_part(instance, &out, &parts[i], &err);
    if (ok && out.len == 0)
        ok = error_set(&err, ERROR_BAD_INPUT, "nothing to join");
    if (ok)
        joined = secret_builder_take(&out, &err);
    secret_builder_clear(&out);
    return give(instance, joined, &err, out_secret);
}

static int32_t from_file(const struct sesame_host *host, struct sesame_text path,
                         uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct error err = {0};
    char name[PATH_MAX];

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (path.len == 0 || memchr(path.data, '\0', path.len) != NULL ||
        !copy_text(path, name, sizeof name))
        return SESAME_BAD_INPUT;
    return give(instance, secret_from_file(name, &err), &err, out_secret);
}

struct program_search {
    struct slice pointer;
    const char *path; /* in the configuration; NULL: not found */
};

static bool find_program(void *arg, const char *pointer, const char *kind, const char *value,
                         struct error *err)
{
    struct program_search *search = arg;

    (void)kind;
    (void)err;
    if (slice_equal_text(search->pointer, pointer))
        search->path = value;
    return true;
}

static struct secret *run_program(struct plugin_instance *instance, const char *path,
                                  const struct sesame_text *arguments, size_t count,
                                  int64_t deadline_ms, struct error *err)
{
    char *copies[PROGRAM_ARGUMENT_MAX_COUNT] = {NULL};
    const char *argv[PROGRAM_ARGUMENT_MAX_COUNT + 2] = {path};
    struct secret *output = NULL;
    bool ok = true;

    if (!instance->may_block) {
        error_set(err, ERROR_DENIED, "a program is run only for plugins on a thread of their own");
        return NULL;
    }
    if (path[0] != '/' || count > PROGRAM_ARGUMENT_MAX_COUNT) {
        error_set(err, ERROR_BAD_INPUT,
                  "a program is named by its absolute path, and gets at most "
                  "%d arguments",
                  PROGRAM_ARGUMENT_MAX_COUNT);
        return NULL;
    }
    for (size_t i = 0; ok && i < count; i++)
        ok = (argv[i + 1] = copies[i] = slice_dup(slice_from(arguments[i]))) != NULL;
    if (ok)
        output = secret_from_program(argv, deadline_ms - clock_monotonic_ms(), err);
    else
        error_set(err, ERROR_NO_MEMORY, "no memory to start a program");
    for (size_t i = 0; i < count && copies[i] != NULL; i++)
        wipe_free(copies[i]); /* whatever people write into a command line */
    return output;
}

static int32_t from_program(const struct sesame_host *host, struct sesame_text pointer,
                            const struct sesame_text *arguments, size_t argument_count,
                            int64_t deadline_ms, uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct program_search search = {.pointer = slice_from(pointer)};
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (!plugin_config_each(instance->library, instance->config, "x-program", find_program, &search,
                            &err) ||
        search.path == NULL)
        return SESAME_NOT_FOUND;
    return give(instance,
                run_program(instance, search.path, arguments, argument_count, deadline_ms, &err),
                &err, out_secret);
}

static int32_t create(const struct sesame_host *host, struct sesame_text bytes,
                      uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    return give(instance, secret_copy(bytes.data == NULL ? "" : bytes.data, bytes.len, &err), &err,
                out_secret);
}

static int32_t borrow(const struct sesame_host *host, uint64_t handle, struct sesame_text *out)
{
    struct secret *secret = get(instance_enter(host), handle);

    if (secret == NULL)
        return SESAME_NOT_FOUND;
    out->data = secret_borrow(secret, &out->len);
    return SESAME_OK;
}

static void free_secret(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);

    if (instance != NULL && handle != 0)
        secret_free(handle_take(&instance->handles, HANDLE_SECRET, handle));
}

static void drop(void *object)
{
    secret_free(object);
}

void service_secret_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_SECRET, drop);
}

const struct sesame_secret_v1 service_secret = {
    from_config, json_take, json_read, create, join, from_file, from_program, borrow, free_secret};

/* The only kind there is: what Function Compute sends with each request. */
static int32_t platform_get(const struct sesame_host *host, struct sesame_text kind,
                            struct sesame_platform_credentials *out)
{
    struct plugin_instance *instance = instance_enter(host);
    struct platform_key key;
    struct error err = {0};
    bool ok;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (!slice_equal_text(slice_from(kind), "alibaba-sts") || instance->watch.platform == NULL ||
        !platform_credentials_get(instance->watch.platform, &key))
        return SESAME_NOT_FOUND;
    *out = (struct sesame_platform_credentials){.received_at_ms = key.received_at_ms};
    ok = give(instance, key.access_key_id, &err, &out->access_key_id) == SESAME_OK;
    ok = give(instance, key.access_key_secret, &err, &out->access_key_secret) == SESAME_OK && ok;
    ok = give(instance, key.security_token, &err, &out->security_token) == SESAME_OK && ok;
    if (ok)
        return SESAME_OK;
    free_secret(host, out->access_key_id);
    free_secret(host, out->access_key_secret);
    free_secret(host, out->security_token);
    return SESAME_LIMIT;
}

const struct sesame_platform_credentials_v1 service_platform_credentials = {platform_get};
