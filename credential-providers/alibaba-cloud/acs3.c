/* Signature version 3 of Alibaba Cloud's OpenAPI, ACS3-HMAC-SHA256. */
#include "acs3.h"

#include "weave.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM "ACS3-HMAC-SHA256"
#define SHA256_BYTES 32

typedef const struct sesame_http_field *field_ref;

/* ---- order ----------------------------------------------------------------------------------- */

static int compare_bytes(struct sesame_text a, struct sesame_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

static struct sesame_text trim(struct sesame_text text)
{
    while (text.len > 0 && isspace((unsigned char)text.data[0]))
        text = (struct sesame_text){text.data + 1, text.len - 1};
    while (text.len > 0 && isspace((unsigned char)text.data[text.len - 1]))
        text.len--;
    return text;
}

static int compare_pairs(const void *a, const void *b)
{
    const field_ref *left = a, *right = b;

    return compare_bytes((*left)->name, (*right)->name);
}

static int compare_names(struct sesame_text a, struct sesame_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = strncasecmp(a.data, b.data, len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

/* By name in lower case; a repeated header by its values. */
static int compare_headers(const void *a, const void *b)
{
    const field_ref *left = a, *right = b;
    int order = compare_names((*left)->name, (*right)->name);

    return order != 0 ? order : compare_bytes(trim((*left)->value), trim((*right)->value));
}

static bool is_signed(struct sesame_text name)
{
    return (name.len >= 6 && strncasecmp(name.data, "x-acs-", 6) == 0) ||
           kit_equal_nocase(name, "host") || kit_equal_nocase(name, "content-type");
}

/* The fields in order, which the caller frees; NULL without memory. */
static field_ref *sort_fields(const struct sesame_http_field *fields, size_t count,
                              bool (*is_wanted)(struct sesame_text name),
                              int (*compare)(const void *, const void *), size_t *out_count)
{
    field_ref *sorted = malloc((count + 1) * sizeof(field_ref));

    *out_count = 0;
    if (sorted == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (is_wanted == NULL || is_wanted(fields[i].name))
            sorted[(*out_count)++] = &fields[i];
    qsort(sorted, *out_count, sizeof(field_ref), compare);
    return sorted;
}

/* ---- the canonical request ------------------------------------------------------------------- */

bool acs3_query(const struct acs3_request *request, struct weave *out)
{
    size_t count;
    field_ref *sorted =
        sort_fields(request->query, request->query_count, NULL, compare_pairs, &count);

    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            weave_char(out, '&');
        weave_encoded(out, sorted[i]->name);
        weave_char(out, '=');
        weave_encoded(out, sorted[i]->value);
        if (sorted[i]->secret != 0)
            weave_secret(out, sorted[i]->secret, SESAME_PART_PERCENT);
    }
    free(sorted);
    return !out->has_failed && !out->text.has_failed;
}

/* A path is encoded once and signed as sent, but for three spellings that the vendor's signer
 * rewrites: '+' to "%20", '*' to "%2A", "%7E" to '~'. */
static void add_path(struct weave *out, const char *path)
{
    if (path[0] == '\0')
        weave_char(out, '/');
    for (; *path != '\0'; path++) {
        if (*path == '+') {
            weave_text(out, "%20");
        } else if (*path == '*') {
            weave_text(out, "%2A");
        } else if (strncmp(path, "%7E", 3) == 0) {
            weave_char(out, '~');
            path += 2;
        } else {
            weave_char(out, *path);
        }
    }
}

static void add_lower(struct weave *out, struct kit_buffer *names, struct sesame_text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = (char)tolower((unsigned char)name.data[i]);

        weave_char(out, c);
        kit_add_text(names, (struct sesame_text){&c, 1});
    }
}

static bool add_headers(const struct acs3_request *request, struct weave *out,
                        struct kit_buffer *out_names)
{
    size_t count;
    field_ref *sorted =
        sort_fields(request->headers, request->header_count, is_signed, compare_headers, &count);

    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_names(sorted[i - 1]->name, sorted[i]->name) == 0) {
            weave_char(out, ',');
        } else {
            if (i > 0) {
                weave_char(out, '\n');
                kit_add(out_names, ";");
            }
            add_lower(out, out_names, sorted[i]->name);
            weave_char(out, ':');
        }
        weave_slice(out, trim(sorted[i]->value));
        if (sorted[i]->secret != 0)
            weave_secret(out, sorted[i]->secret, SESAME_PART_RAW);
    }
    if (count > 0)
        weave_char(out, '\n');
    free(sorted);
    return true;
}

bool acs3_canonical(const struct acs3_request *request, struct weave *out,
                    struct kit_buffer *out_names)
{
    weave_text(out, request->method);
    weave_char(out, '\n');
    add_path(out, request->path);
    weave_char(out, '\n');
    if (!acs3_query(request, out))
        return false;
    weave_char(out, '\n');
    if (!add_headers(request, out, out_names) || out_names->has_failed)
        return false;
    weave_char(out, '\n'); /* the headers end with one of their own: an empty line follows them */
    weave_slice(out, kit_buffer_text(out_names));
    weave_char(out, '\n');
    weave_text(out, request->content_sha256);
    return !out->has_failed && !out->text.has_failed;
}

/* ---- the signature --------------------------------------------------------------------------- */

static void add_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

/* Joined in locked memory, since headers and query hold tokens. */
static bool hash_canonical(const struct acs3_signer *signer, const struct weave *canonical,
                           char out_hash[65])
{
    uint64_t joined = weave_join(canonical, signer->host, signer->secret);
    uint8_t digest[64];
    struct sesame_text bytes;
    size_t len = 0;
    bool ok = joined != 0 && signer->secret->borrow(signer->host, joined, &bytes) == SESAME_OK &&
              signer->sign->digest(signer->host, kit_text("sha256"), bytes, digest, sizeof digest,
                                   &len) == SESAME_OK &&
              len == SHA256_BYTES;

    if (ok)
        add_hex(out_hash, digest, len);
    signer->secret->free(signer->host, joined);
    return ok;
}

static bool sign_text(const struct acs3_signer *signer, uint64_t access_key_secret,
                      const char *text, char out_signature[65])
{
    struct sesame_text message;
    uint8_t mac[64];
    uint64_t key = 0;
    size_t len = 0;
    bool ok;

    if (signer->sign->key_open(signer->host, kit_text("hmac"), access_key_secret, 0, &key,
                               &message) != SESAME_OK)
        return false;
    ok = signer->sign->sign(signer->host, key, kit_text("HS256"), kit_text(text), mac, sizeof mac,
                            &len) == SESAME_OK &&
         len == SHA256_BYTES;
    if (ok)
        add_hex(out_signature, mac, len);
    signer->sign->key_free(signer->host, key);
    return ok;
}

bool acs3_authorization(const struct acs3_signer *signer, const struct acs3_request *request,
                        const char *access_key_id, uint64_t access_key_secret,
                        struct kit_buffer *out, char out_hash[65])
{
    struct weave canonical = {0};
    struct kit_buffer names = {0};
    char to_sign[sizeof ALGORITHM + 65] = ALGORITHM "\n", signature[65];
    bool ok =
        acs3_canonical(request, &canonical, &names) && hash_canonical(signer, &canonical, out_hash);

    if (ok) {
        memcpy(to_sign + sizeof ALGORITHM, out_hash, 65);
        ok = sign_text(signer, access_key_secret, to_sign, signature);
    }
    if (ok) {
        kit_add(out, ALGORITHM " Credential=");
        kit_add(out, access_key_id);
        kit_add(out, ",SignedHeaders=");
        kit_add_text(out, kit_buffer_text(&names));
        kit_add(out, ",Signature=");
        kit_add(out, signature);
    }
    weave_clear(&canonical);
    kit_clear(&names);
    return ok && !out->has_failed;
}
