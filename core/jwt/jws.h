/* Compact JWS (RFC 7515): taking a token apart, verifying, signing. */
#ifndef SESAME_JWT_JWS_H
#define SESAME_JWT_JWS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/text.h"

struct algorithm;
struct error;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct secret;
struct signing_key;

/* A token taken apart. Slices point into the token's text. */
struct jws {
    struct slice signed_part; /* header "." payload, as sent */
    struct buffer header;     /* decoded */
    struct buffer payload;    /* decoded */
    struct buffer signature;  /* decoded */
};

/* Takes `token` apart: exactly three parts of strict base64url, of which only the signature may be
 * empty, and then never verifies. False: `*out_reason` is static text. Clear the result either way.
 */
bool jws_split(struct slice token, struct jws *out, const char **out_reason);
void jws_clear(struct jws *jws);

/* True when the signature is good for this key. ECDSA signatures are r and s of exact width (RFC
 * 7518 section 3.4), the salt of PSS is as long as the digest (section 3.5). [any thread] */
bool jws_verify(const struct jws *jws, const struct algorithm *algorithm,
                struct evp_pkey_st *public_key);

/* Everything of a verification that is the same for each token: OpenSSL's look-ups by name, the key
 * and the padding, which cost a tenth of an RSA verification. NULL: no memory, or the key does not
 * fit. The caller owns the result (EVP_MD_CTX_free). */
struct evp_md_ctx_st *jws_prepare(const struct algorithm *algorithm,
                                  struct evp_pkey_st *public_key);

/* As jws_verify, with what jws_prepare made for `algorithm`: that is copied, never changed, so
 * threads may share it. [any thread] */
bool jws_verify_prepared(const struct jws *jws, const struct algorithm *algorithm,
                         const struct evp_md_ctx_st *prepared);

/* A compact JWS over `header` and `claims`, both taken byte for byte; the header's "alg" decides
 * and must fit the key. The caller owns the result. */
struct secret *jws_sign(const struct signing_key *key, struct slice header, struct slice claims,
                        struct error *err);

#endif
