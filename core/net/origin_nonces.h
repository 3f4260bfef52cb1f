/* The newest nonce each origin gave: servers that want one in a DPoP proof (RFC 9449 section 8) say
 * so in an answer, and the next request to them carries it. */
#ifndef SESAME_NET_ORIGIN_NONCES_H
#define SESAME_NET_ORIGIN_NONCES_H

#include "base/text.h"

struct origin_nonces;

/* Bounded: the origin that was longest without a new nonce is forgotten first. NULL without memory.
 * One per loop. */
struct origin_nonces *origin_nonces_new(void);
void origin_nonces_free(struct origin_nonces *nonces);

/* Remembers `nonce` for `origin` ("https://host:443"). Without memory the old one stays. */
void origin_nonces_keep(struct origin_nonces *nonces, const char *origin, struct slice nonce);

/* What is remembered for `origin`, borrowed until the next keep; empty when there is nothing. */
struct slice origin_nonces_find(const struct origin_nonces *nonces, const char *origin);

#endif
