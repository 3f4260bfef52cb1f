/* The JWS algorithms (RFC 7518 section 3, RFC 8037) and what each asks of a key. */
#ifndef SESAME_JWT_ALGORITHM_H
#define SESAME_JWT_ALGORITHM_H

#include <stddef.h>

#include "base/text.h"

enum key_type { KEY_NONE, KEY_RSA, KEY_EC, KEY_OKP, KEY_OCT };

struct algorithm {
    const char *name;       /* "RS256" */
    enum key_type key_type; /* KEY_OCT for HS… */
    const char *digest;     /* "SHA256", NULL for EdDSA */
    const char *curve;      /* JOSE name, for EC and OKP */
    size_t coordinate_len;  /* of r and s, for EC */
    int is_pss;
};

/* Exact, case-sensitive; NULL for an unknown one, "none" included. */
const struct algorithm *algorithm_find(struct slice name);

#endif
