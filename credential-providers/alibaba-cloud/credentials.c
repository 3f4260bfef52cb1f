/* An access key: taken out of an answer or put together from handles, checked, freed. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX_BYTES 128
#define SECRET_MAX_BYTES 256
#define TOKEN_MAX_BYTES 8192

bool reason_set(struct reason *reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* Cutting a reason off is fine: it is for people. */
    (void)vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    return false;
}

void credentials_clear(const struct sesame_instance *instance, struct credentials *credentials)
{
    instance->secret->free(instance->kit.host, credentials->access_key_secret);
    instance->secret->free(instance->kit.host, credentials->security_token);
    free(credentials->access_key_id);
    memset(credentials, 0, sizeof *credentials);
}

/* The bytes go into headers and signatures: nothing that could end a line, nothing absurd. */
static bool check_part(const struct sesame_instance *instance, uint64_t secret, const char *name,
                       size_t max_len, struct sesame_text *out, struct reason *reason)
{
    if (instance->secret->borrow(instance->kit.host, secret, out) != SESAME_OK)
        return reason_set(reason, "the %s is not there", name);
    if (!text_is_token(*out, max_len))
        return reason_set(reason,
                          "the %s holds blanks or control characters, is empty or longer than %zu "
                          "bytes",
                          name, max_len);
    return true;
}

static bool check_parts(struct sesame_instance *instance, uint64_t id, uint64_t secret,
                        uint64_t token, struct credentials *out, struct reason *reason)
{
    struct sesame_text text;

    if (!check_part(instance, secret, "access key secret", SECRET_MAX_BYTES, &text, reason) ||
        (token != 0 &&
         !check_part(instance, token, "security token", TOKEN_MAX_BYTES, &text, reason)) ||
        !check_part(instance, id, "access key id", ID_MAX_BYTES, &text, reason))
        return false;
    /* The id is no secret: it stands in every request and, masked, in the log. */
    out->access_key_id = kit_copy(text);
    return out->access_key_id != NULL || reason_set(reason, "no memory for an access key");
}

bool credentials_make(struct sesame_instance *instance, uint64_t id, uint64_t secret,
                      uint64_t token, struct credentials *out, struct reason *reason)
{
    const struct sesame_host *host = instance->kit.host;
    struct credentials made = {.access_key_secret = secret, .security_token = token};
    bool ok = check_parts(instance, id, secret, token, &made, reason);

    instance->secret->free(host, id);
    if (ok)
        *out = made;
    else
        credentials_clear(instance, &made);
    return ok;
}

static uint64_t take(struct sesame_instance *instance, uint64_t answer, const char *prefix,
                     const char *name, struct reason *reason)
{
    char pointer[80];
    uint64_t secret = 0;

    (void)snprintf(pointer, sizeof pointer, "%s/%s", prefix, name); /* both are short constants */
    if (!answer_has(instance, answer, pointer) ||
        instance->secret->json_take(instance->kit.host, answer, kit_text(pointer), &secret) !=
            SESAME_OK)
        (void)reason_set(reason, "the answer has no %s", name);
    return secret;
}

static bool read_expiry(struct sesame_instance *instance, uint64_t answer, const char *prefix,
                        int64_t *out_at_s, struct reason *reason)
{
    char pointer[80];
    char *text;
    bool ok;

    (void)snprintf(pointer, sizeof pointer, "%s/Expiration", prefix);
    text = answer_text(instance, answer, pointer, NULL);
    if (text == NULL)
        return reason_set(reason, "the answer has no Expiration");
    ok = time_parse(kit_text(text), out_at_s);
    if (!ok)
        (void)reason_set(reason,
                         "the answer's Expiration is \"%.30s\", expected a time such as "
                         "2026-03-01T09:00:00Z",
                         text);
    else if (*out_at_s <= time_now_s(instance))
        ok = reason_set(reason,
                        "the key in the answer expired at %.30s: is this machine's clock "
                        "right?",
                        text);
    free(text);
    return ok;
}

bool credentials_read(struct sesame_instance *instance, uint64_t answer, const char *prefix,
                      struct credentials *out, struct reason *reason)
{
    int64_t expires_at_s = 0;
    uint64_t id, secret, token;

    if (!read_expiry(instance, answer, prefix, &expires_at_s, reason))
        return false;
    id = take(instance, answer, prefix, "AccessKeyId", reason);
    secret = id == 0 ? 0 : take(instance, answer, prefix, "AccessKeySecret", reason);
    token = secret == 0 ? 0 : take(instance, answer, prefix, "SecurityToken", reason);
    if (token == 0) {
        instance->secret->free(instance->kit.host, id);
        instance->secret->free(instance->kit.host, secret);
        return false;
    }
    if (!credentials_make(instance, id, secret, token, out, reason))
        return false;
    out->expires_at_s = expires_at_s;
    return true;
}
