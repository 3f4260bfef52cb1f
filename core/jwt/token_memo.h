/* Remembers tokens that were verified, so that a repeated one costs a digest and no signature. */
#ifndef SESAME_JWT_TOKEN_MEMO_H
#define SESAME_JWT_TOKEN_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "jwt/access_token.h"

struct token_memo;

/* Holds digests, never tokens; one per worker. When it is full the oldest entry goes. */
struct token_memo *token_memo_new(size_t max_count);
void token_memo_free(struct token_memo *memo);

/* The claims of a token that was put and has not expired (with the policy's leeway), borrowed until
 * the next call; NULL otherwise. */
const struct access_token_claims *token_memo_find(struct token_memo *memo, struct slice token,
                                                  int64_t now_s, int64_t leeway_s);

/* Takes the claims on success; without memory they stay the caller's and false is returned. */
bool token_memo_put(struct token_memo *memo, struct slice token,
                    const struct access_token_claims *claims);

/* The key set changed: whatever was verified may not be any more. */
void token_memo_clear(struct token_memo *memo);

#endif
