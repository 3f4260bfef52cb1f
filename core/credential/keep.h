/* Cached secrets that can be fetched again: when the locked memory is full, the least recently used
 * of them goes, on whatever thread the memory is wanted, and everybody who shared it sees it gone.
 *
 * Everything here is [any thread]; one lock, held for a few instructions. */
#ifndef SESAME_CREDENTIAL_KEEP_H
#define SESAME_CREDENTIAL_KEEP_H

#include <stdbool.h>

struct error;
struct keep;
struct kept;
struct secret;

/* Answers for the process's arena from now on (secret_arena_on_full), with the others that there
 * are: what is kept in an older one goes first. */
struct keep *keep_new(struct error *err);
/* What is still kept stays usable until its last reference goes, but is not evicted any more. NULL
 * is fine. */
void keep_free(struct keep *keep);

/* Keeps a reference of `secret`; the caller owns one reference of the result. */
struct kept *keep_add(struct keep *keep, struct secret *secret, struct error *err);

struct kept *kept_ref(struct kept *kept);
void kept_free(struct kept *kept); /* drops one reference; NULL is fine */

/* A reference of the secret, or NULL when it was evicted or dropped. It counts as used now. */
struct secret *kept_take(struct kept *kept);
/* Whether there is something to take; does not count as use. False for NULL. */
bool kept_is_there(const struct kept *kept);

/* Forgets the secret at once, whoever else holds `kept`. NULL is fine. */
void kept_drop(struct kept *kept);

#endif
