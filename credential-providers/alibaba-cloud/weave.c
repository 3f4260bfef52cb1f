/* Text with secrets woven in: noted piece by piece, put together in locked memory only. */
#include "weave.h"

#include <string.h>

void weave_text(struct weave *weave, const char *text)
{
    kit_add(&weave->text, text);
}

void weave_slice(struct weave *weave, struct sesame_text text)
{
    kit_add_text(&weave->text, text);
}

void weave_char(struct weave *weave, char c)
{
    kit_add_text(&weave->text, (struct sesame_text){&c, 1});
}

void weave_encoded(struct weave *weave, struct sesame_text text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (memchr(plain, c, sizeof plain - 1) != NULL)
            weave_char(weave, text.data[i]);
        else
            kit_add_text(&weave->text, (struct sesame_text){escaped, sizeof escaped});
    }
}

void weave_secret(struct weave *weave, uint64_t secret, uint32_t encoding)
{
    if (weave->secret_count == WEAVE_SECRET_MAX_COUNT || secret == 0) {
        weave->has_failed = true;
        return;
    }
    weave->secrets[weave->secret_count].at = weave->text.len;
    weave->secrets[weave->secret_count].secret = secret;
    weave->secrets[weave->secret_count++].encoding = encoding;
}

void weave_all(struct weave *weave, const struct weave *other)
{
    size_t done = 0;

    for (size_t i = 0; i < other->secret_count; i++) {
        weave_slice(weave,
                    (struct sesame_text){other->text.data + done, other->secrets[i].at - done});
        weave_secret(weave, other->secrets[i].secret, other->secrets[i].encoding);
        done = other->secrets[i].at;
    }
    if (other->text.len > done)
        weave_slice(weave, (struct sesame_text){other->text.data + done, other->text.len - done});
    weave->has_failed = weave->has_failed || other->has_failed || other->text.has_failed;
}

bool weave_is_plain(const struct weave *weave)
{
    return weave->secret_count == 0 && !weave->has_failed && !weave->text.has_failed;
}

uint64_t weave_join(const struct weave *weave, const struct sesame_host *host,
                    const struct sesame_secret_v1 *secret)
{
    struct sesame_secret_part parts[WEAVE_SECRET_MAX_COUNT + 1] = {0};
    uint64_t joined = 0;
    size_t done = 0;

    if (weave->has_failed || weave->text.has_failed)
        return 0;
    for (size_t i = 0; i <= weave->secret_count; i++) {
        size_t end = i < weave->secret_count ? weave->secrets[i].at : weave->text.len;

        if (end > done)
            parts[i].text = (struct sesame_text){weave->text.data + done, end - done};
        done = end;
        if (i < weave->secret_count) {
            parts[i].secret = weave->secrets[i].secret;
            parts[i].encoding = weave->secrets[i].encoding;
        }
    }
    return secret->join(host, parts, weave->secret_count + 1, &joined) == SESAME_OK ? joined : 0;
}

void weave_clear(struct weave *weave)
{
    kit_clear(&weave->text);
    memset(weave, 0, sizeof *weave);
}
