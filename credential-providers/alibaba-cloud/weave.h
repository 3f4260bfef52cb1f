/* Text with secrets woven in: noted piece by piece, put together in locked memory only. */
#ifndef ALIBABA_WEAVE_H
#define ALIBABA_WEAVE_H

#include "plugins/kit/kit.h"

#define WEAVE_SECRET_MAX_COUNT 4

/* All zero bytes is an empty one. Holds no secret itself, only handles and where they go. */
struct weave {
    struct kit_buffer text;
    struct {
        size_t at; /* in `text` */
        uint64_t secret;
        uint32_t encoding;
    } secrets[WEAVE_SECRET_MAX_COUNT];
    size_t secret_count;
    bool has_failed;
};

void weave_text(struct weave *weave, const char *text);
void weave_slice(struct weave *weave, struct sesame_text text);
void weave_char(struct weave *weave, char c);
/* `text` percent-encoded (RFC 3986: all but letters, digits and "-._~"). */
void weave_encoded(struct weave *weave, struct sesame_text text);
/* The bytes of `secret` (borrowed until the join), `encoding` as for sesame.secret/1's join. */
void weave_secret(struct weave *weave, uint64_t secret, uint32_t encoding);
/* What `other` holds, secrets too. */
void weave_all(struct weave *weave, const struct weave *other);

/* True when nothing but plain text was added and nothing failed: `text` is all of it. */
bool weave_is_plain(const struct weave *weave);
/* Everything as a new secret; 0 on failure. */
uint64_t weave_join(const struct weave *weave, const struct sesame_host *host,
                    const struct sesame_secret_v1 *secret);
void weave_clear(struct weave *weave);

#endif
