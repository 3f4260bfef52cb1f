/* The platform's key out of the requests of one worker. */
#include "server/platform.h"

#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http_server.h"

#include <stddef.h>

#define ID_MAX_BYTES 128
#define SECRET_MAX_BYTES 256
#define TOKEN_MAX_BYTES 8192

static bool is_set(const struct config_source *source, const char *name)
{
    const char *value = source->get_env(source->arg, name);

    return value != NULL && value[0] != '\0';
}

bool platform_detect(enum host_platform platform, const struct config_source *source,
                     bool *out_brings_keys, struct error *err)
{
    bool is_there = is_set(source, "FC_FUNCTION_NAME") || is_set(source, "FC_FUNC_CODE_PATH");

    if (platform == PLATFORM_FUNCTION_COMPUTE && !is_there)
        return error_set(err, ERROR_BAD_INPUT,
                         "\"platform\" is function-compute, but neither FC_FUNCTION_NAME nor "
                         "FC_FUNC_CODE_PATH is set, as it is there: elsewhere anybody could send "
                         "a key. Use \"auto\" or \"none\"");
    *out_brings_keys = is_there && platform != PLATFORM_NONE;
    return true;
}

/* Printable, without blanks: it goes into a header again. */
static bool is_clean(const struct secret *secret, size_t max_len)
{
    size_t len;
    const char *bytes = secret_borrow(secret, &len);

    if (len == 0 || len > max_len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] <= ' ' || bytes[i] > '~')
            return false;
    return true;
}

/* The value of a header that was sent once; borrowed. */
static struct secret *once(const struct http_exchange *exchange, const char *name,
                           bool *out_is_repeated)
{
    size_t count = 0;
    struct secret *value = http_exchange_secret_header(exchange, name, &count);

    *out_is_repeated = *out_is_repeated || count > 1;
    return count == 1 ? value : NULL;
}

static bool is_same(const struct platform_key *a, const struct platform_key *b)
{
    return a->access_key_id != NULL && secret_equal(a->access_key_id, b->access_key_id) &&
           secret_equal(a->access_key_secret, b->access_key_secret) &&
           secret_equal(a->security_token, b->security_token);
}

static struct platform_key share(const struct platform_key *key)
{
    return (struct platform_key){secret_share(key->access_key_id),
                                 secret_share(key->access_key_secret),
                                 secret_share(key->security_token), key->received_at_ms};
}

static void warn_once(struct platform_seen *seen, const char *message)
{
    if (!seen->has_warned)
        log_warn("platform", message);
    seen->has_warned = true;
}

void platform_take(struct platform_seen *seen, struct platform_credentials *credentials,
                   const struct http_exchange *exchange, int64_t now_ms)
{
    struct platform_key sent = {.received_at_ms = now_ms}, kept;
    bool is_repeated = false;

    if (credentials == NULL)
        return;
    sent.access_key_id = once(exchange, "x-fc-access-key-id", &is_repeated);
    sent.access_key_secret = once(exchange, "x-fc-access-key-secret", &is_repeated);
    sent.security_token = once(exchange, "x-fc-security-token", &is_repeated);
    if (is_repeated)
        warn_once(seen,
                  "a request with the platform's key twice: the client may have sent one of "
                  "them, so neither is used");
    if (is_repeated || sent.access_key_id == NULL || sent.access_key_secret == NULL ||
        sent.security_token == NULL || is_same(&seen->key, &sent))
        return;
    if (!is_clean(sent.access_key_id, ID_MAX_BYTES) ||
        !is_clean(sent.access_key_secret, SECRET_MAX_BYTES) ||
        !is_clean(sent.security_token, TOKEN_MAX_BYTES)) {
        warn_once(seen,
                  "a request with a key of the platform that is empty, too long or holds "
                  "blanks is not used");
        return;
    }
    platform_key_clear(&seen->key);
    seen->key = share(&sent);
    kept = share(&sent);
    platform_credentials_put(credentials, &kept);
}

void platform_seen_clear(struct platform_seen *seen)
{
    platform_key_clear(&seen->key);
}
