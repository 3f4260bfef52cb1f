/* The signed-in user of one turn: his token, as long as the turn and what it fetches need it.
 *
 * Counted by reference, on any thread; immutable. The token is wiped with the last reference. */
#ifndef SESAME_CREDENTIAL_SUBJECT_H
#define SESAME_CREDENTIAL_SUBJECT_H

#include <stdint.h>

#include "base/text.h"

struct error;
struct secret;

#define SUBJECT_DIGEST_BYTES 32

struct subject {
    struct secret *token;                       /* AT_u, bare */
    unsigned char digest[SUBJECT_DIGEST_BYTES]; /* SHA-256 of it: whom a cached value belongs to */
    char *sub;
    char *client_id; /* the application that he signed in to */
    char *actors;    /* JSON array of who acted before us ("act", RFC 8693 section 4.1), or "" */
    int64_t expires_at_s;
    char name[17]; /* opaque, the same for the same user, for plugins that keep things per user */
};

/* Copies everything. The caller owns one reference. */
struct subject *subject_new(struct slice token, const char *sub, const char *client_id,
                            const char *actors, int64_t expires_at_s, struct error *err);

/* NULL gives NULL; NULL is fine. */
struct subject *subject_ref(struct subject *subject);
void subject_free(struct subject *subject);

#endif
