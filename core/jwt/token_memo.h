/* Remembers tokens that were verified, so that a repeated one costs a digest and no signature. */
#ifndef SESAME_JWT_TOKEN_MEMO_H
#define SESAME_JWT_TOKEN_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "jwt/access_token.h"

struct token_memo;

/* What the memo knows a token by: SHA-256 of its text. */
struct token_digest {
    unsigned char bytes[32];
};

/* Holds digests, never tokens; one per worker. When it is full the oldest entry goes. */
struct token_memo *token_memo_new(size_t max_count);
void token_memo_free(struct token_memo *memo);

/* Made once for a token, for the two calls below. False: nothing can be remembered of it. */
bool token_memo_digest(struct token_memo *memo, struct slice token, struct token_digest *out);

/* The claims of a token that was put and has not expired (with the policy's leeway), borrowed until
 * the next call; NULL otherwise. */
const struct access_token_claims *token_memo_find(struct token_memo *memo,
                                                  const struct token_digest *digest, int64_t now_s,
                                                  int64_t leeway_s);

/* Takes the claims and returns true; when the token is there already they stay the caller's. */
bool token_memo_put(struct token_memo *memo, const struct token_digest *digest,
                    const struct access_token_claims *claims);

/* The key set changed: whatever was verified may not be any more. */
void token_memo_clear(struct token_memo *memo);

#endif
