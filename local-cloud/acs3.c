/* Signature version 3, ACS3-HMAC-SHA256 (alibaba-cloud.md section 2), as the gateway checks it. */
#include "local-cloud/acs3.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/pop.h"
#include "local-cloud/ram.h"
#include "local-cloud/realm.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM "ACS3-HMAC-SHA256"

enum { CANONICAL_MAX_BYTES = 256 * 1024, DIGEST_HEX_SIZE = 2 * SHA256_DIGEST_LENGTH + 1 };
enum { HEADER_MAX_COUNT = 64 };

/* The Authorization header, taken apart. */
struct authorization {
    char *key_id;
    char *signed_headers;
    char *signature;
};

static void authorization_clear(struct authorization *authorization)
{
    free(authorization->key_id);
    free(authorization->signed_headers);
    free(authorization->signature);
}

/* `out` is the value of "NAME=", when `part` begins so. */
static void read_part(struct slice part, const char *name, char **out)
{
    size_t len = strlen(name);

    part = slice_trim(part);
    if (*out == NULL && slice_starts_with(part, name))
        *out = slice_dup((struct slice){part.data + len, part.len - len});
}

static bool read_authorization(struct slice header, struct authorization *out)
{
    struct slice rest = header;

    if (!slice_equal_text(slice_cut(&rest, ' '), ALGORITHM))
        return false;
    while (rest.len > 0) {
        struct slice part = slice_cut(&rest, ',');

        read_part(part, "Credential=", &out->key_id);
        read_part(part, "SignedHeaders=", &out->signed_headers);
        read_part(part, "Signature=", &out->signature);
    }
    return out->key_id != NULL && out->signed_headers != NULL && out->signature != NULL;
}

static bool is_listed(const char *signed_headers, struct slice name)
{
    struct slice rest = slice_of(signed_headers);

    while (rest.len > 0) {
        struct slice item = slice_cut(&rest, ';');

        if (item.len == name.len && strncasecmp(item.data, name.data, name.len) == 0)
            return true;
    }
    return false;
}

/* NULL when everything that must be signed is, else the name of what is not. */
static const char *unsigned_header(const struct request *request, const char *signed_headers)
{
    static const char *const needed[] = {
        "host",       "x-acs-action",          "x-acs-version",
        "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"};

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (request_header(request, needed[i]).len == 0 ||
            !is_listed(signed_headers, slice_of(needed[i])))
            return needed[i];
    for (size_t i = 0; i < request->field_count; i++) {
        struct slice name = request->fields[i].name;

        if (name.len >= 6 && strncasecmp(name.data, "x-acs-", 6) == 0 &&
            !is_listed(signed_headers, name))
            return "a header that begins with x-acs-";
    }
    return NULL;
}

/* ---- the canonical request -------------------------------------------------------------------*/

static bool add_query(const struct request *request, struct buffer *out, struct error *err)
{
    struct params params = {NULL, 0};
    bool is_added = params_parse(request->query, &params, err);

    if (is_added)
        is_added = params_add_canonical(&params, out, err);
    params_clear(&params);
    return is_added;
}

static int compare_slices(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = len == 0 ? 0 : memcmp(left->data, right->data, len);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* "name:value\n"; a header that comes more than once has its values sorted and joined by ','. */
static bool add_header(const struct request *request, struct slice name, struct buffer *out,
                       struct error *err)
{
    struct slice values[HEADER_MAX_COUNT] = {{NULL, 0}};
    size_t count = 0;

    for (size_t i = 0; i < request->field_count && count < HEADER_MAX_COUNT; i++)
        if (request->fields[i].name.len == name.len &&
            strncasecmp(request->fields[i].name.data, name.data, name.len) == 0)
            values[count++] = slice_trim(request->fields[i].value);
    qsort(values, count, sizeof values[0], compare_slices);
    if (!buffer_add(out, name.data, name.len, err) || !buffer_add_char(out, ':', err))
        return false;
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && !buffer_add_char(out, ',', err)) ||
            (values[i].len > 0 && !buffer_add(out, values[i].data, values[i].len, err)))
            return false;
    return buffer_add_char(out, '\n', err);
}

static bool add_headers(const struct request *request, const char *signed_headers,
                        struct buffer *out, struct error *err)
{
    struct slice names[HEADER_MAX_COUNT] = {{NULL, 0}}, rest = slice_of(signed_headers);
    size_t count = 0;

    while (rest.len > 0 && count < HEADER_MAX_COUNT)
        names[count++] = slice_cut(&rest, ';');
    qsort(names, count, sizeof names[0], compare_slices);
    for (size_t i = 0; i < count; i++)
        if (!add_header(request, names[i], out, err))
            return false;
    return true;
}

static void sha256_hex(const void *bytes, size_t len, char out[DIGEST_HEX_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256(bytes == NULL ? (const unsigned char *)"" : bytes, len, digest);
    hex_encode(digest, sizeof digest, out);
}

/* The string to sign; the caller frees it. NULL when the request cannot be put in canonical form.
 */
static char *string_to_sign(const struct request *request, const char *signed_headers)
{
    CLEANUP(buffer_clear) struct buffer canonical;
    char payload[DIGEST_HEX_SIZE], digest[DIGEST_HEX_SIZE];
    struct error ignored = {0};

    buffer_init(&canonical, CANONICAL_MAX_BYTES);
    sha256_hex(request->body.data, request->body.len, payload);
    if (!buffer_printf(&canonical, &ignored, "%.*s\n%.*s\n", (int)request->method.len,
                       request->method.data, (int)request->path.len, request->path.data) ||
        !add_query(request, &canonical, &ignored) || !buffer_add_char(&canonical, '\n', &ignored) ||
        !add_headers(request, signed_headers, &canonical, &ignored) ||
        !buffer_printf(&canonical, &ignored, "\n%s\n%s", signed_headers, payload))
        return NULL;
    sha256_hex(canonical.data, canonical.len, digest);
    return must_format(ALGORITHM "\n%s", digest);
}

/* ---- checking --------------------------------------------------------------------------------*/

static bool check_signature(const struct request *request, const struct ram_key *key,
                            const struct authorization *authorization, struct reply *reply)
{
    CLEANUP(cleanup_free) char *text = string_to_sign(request, authorization->signed_headers);
    unsigned char mac[EVP_MAX_MD_SIZE];
    char expected[2 * EVP_MAX_MD_SIZE + 1];
    size_t len = 0;

    if (text == NULL)
        return pop_refuse(reply, request, 400, "InvalidParameter",
                          "The query cannot be read as parameters.");
    must_have(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->secret, strlen(key->secret),
                        (const unsigned char *)text, strlen(text), mac, sizeof mac, &len));
    hex_encode(mac, len, expected);
    if (secret_text_equal(slice_of(authorization->signature), expected))
        return true;
    return pop_refuse(reply, request, 400, "SignatureDoesNotMatch",
                      "Specified signature is not matched with our calculation. server string to "
                      "sign is:%s",
                      text);
}

static bool check_payload(const struct request *request, struct reply *reply)
{
    char digest[DIGEST_HEX_SIZE];

    sha256_hex(request->body.data, request->body.len, digest);
    if (slice_equal_text(request_header(request, "x-acs-content-sha256"), digest))
        return true;
    return pop_refuse(reply, request, 400, "InvalidParameter.ContentSha256",
                      "x-acs-content-sha256 is not the digest of the body.");
}

static const struct ram_key *authenticate(const struct pop_gate *gate,
                                          const struct request *request,
                                          const struct authorization *authorization,
                                          struct reply *reply)
{
    CLEANUP(cleanup_free) char *token = slice_dup(request_header(request, "x-acs-security-token"));
    CLEANUP(cleanup_free) char *date = slice_dup(request_header(request, "x-acs-date"));
    CLEANUP(cleanup_free) char *nonce = slice_dup(request_header(request, "x-acs-signature-nonce"));
    bool has_token = token != NULL && token[0] != '\0';
    const struct ram_key *key =
        pop_check_key(gate, request, authorization->key_id, has_token ? token : NULL, reply);

    if (key == NULL || !pop_check_time(request, date == NULL ? "" : date, reply) ||
        !check_payload(request, reply) || !check_signature(request, key, authorization, reply) ||
        !pop_check_nonce(gate, request, key, nonce == NULL ? "" : nonce, reply))
        return NULL;
    return key;
}

const struct ram_key *acs3_authenticate(const struct pop_gate *gate, const struct request *request,
                                        struct reply *reply)
{
    struct authorization authorization = {NULL, NULL, NULL};
    const struct ram_key *key = NULL;
    const char *missing;

    if (request->authorization_count != 1 ||
        !read_authorization(request->authorization, &authorization))
        pop_refuse(reply, request, 400, "IncompleteSignature",
                   "The Authorization header is not of the form " ALGORITHM
                   " Credential=..,SignedHeaders=..,Signature=..");
    else if ((missing = unsigned_header(request, authorization.signed_headers)) != NULL)
        pop_refuse(reply, request, 400, "IncompleteSignature", "%s is missing or not signed.",
                   missing);
    else
        key = authenticate(gate, request, &authorization, reply);
    authorization_clear(&authorization);
    return key;
}
