/* DPoP (RFC 9449): the proof that whoever sends a request holds a key. */
#include "jwt/dpop.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/jws.h"
#include "jwt/key.h"

#include <string.h>

#include <openssl/evp.h>

#define PROOF_MAX_BYTES 16384
#define NONCE_MAX_BYTES 1024
#define JTI_BYTES 16 /* section 4.2 asks for 96 bits at least */

bool dpop_nonce_is_valid(struct slice nonce)
{
    if (nonce.len == 0 || nonce.len > NONCE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < nonce.len; i++) {
        unsigned char c = (unsigned char)nonce.data[i];

        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* The target without query and fragment. An empty path is sent as "/", and some servers compare
 * byte for byte. */
static bool add_target(const char *url, struct buffer *out, struct error *err)
{
    size_t len = strcspn(url, "?#");
    const char *host = strstr(url, "://");

    if (!json_add_string(out, url, len, err))
        return false;
    if (host == NULL || memchr(host + 3, '/', len - (size_t)(host + 3 - url)) != NULL)
        return true;
    buffer_truncate(out, out->len - 1);
    return buffer_add_text(out, "/\"", err);
}

/* ath: SHA-256 of the token as it is sent (section 4.2). */
static bool add_token_hash(const struct secret *token, struct buffer *out, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    size_t len;
    const char *bytes = secret_borrow(token, &len);

    if (EVP_Digest(bytes, len, digest, &digest_len, EVP_sha256(), NULL) != 1)
        return error_set(err, ERROR_INTERNAL, "SHA-256 failed");
    return buffer_add_text(out, ",\"ath\":\"", err) &&
           base64url_encode(digest, digest_len, out, err) && buffer_add_char(out, '"', err);
}

static bool add_claims(const struct dpop_request *request, struct buffer *out, struct error *err)
{
    unsigned char jti[JTI_BYTES];

    random_bytes(jti, sizeof jti);
    return buffer_add_text(out, "{\"jti\":\"", err) &&
           base64url_encode(jti, sizeof jti, out, err) &&
           buffer_add_text(out, "\",\"htm\":", err) &&
           json_add_string(out, request->method, strlen(request->method), err) &&
           buffer_add_text(out, ",\"htu\":", err) && add_target(request->url, out, err) &&
           buffer_printf(out, err, ",\"iat\":%lld", (long long)request->now_s) &&
           (request->access_token == NULL || add_token_hash(request->access_token, out, err)) &&
           (request->nonce.len == 0 ||
            (buffer_add_text(out, ",\"nonce\":", err) &&
             json_add_string(out, request->nonce.data, request->nonce.len, err))) &&
           buffer_add_char(out, '}', err);
}

struct secret *dpop_proof(const struct signing_key *key, const struct dpop_request *request,
                          struct error *err)
{
    CLEANUP(buffer_clear) struct buffer header;
    CLEANUP(buffer_clear) struct buffer claims;

    buffer_init(&header, PROOF_MAX_BYTES);
    buffer_init(&claims, PROOF_MAX_BYTES);
    if (!buffer_printf(&header, err, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":",
                       signing_key_default_algorithm(key)) ||
        !signing_key_add_jwk(key, NULL, &header, err) || !buffer_add_char(&header, '}', err) ||
        !add_claims(request, &claims, err))
        return NULL;
    return jws_sign(key, (struct slice){header.data, header.len},
                    (struct slice){claims.data, claims.len}, err);
}
