/* Signature version 1 of RPC calls, HMAC-SHA1 in the parameters (alibaba-cloud.md section 3.6):
 * what the vendor's credential clients still send to STS. */
#include "local-cloud/rpc1.h"

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
#include <stdlib.h>
#include <string.h>

enum { CANONICAL_MAX_BYTES = 256 * 1024 };

/* "POST&%2F&" and the canonical parameters, percent-encoded once more; all but Signature. The
 * caller frees it. */
static char *string_to_sign(const struct request *request, const struct params *params)
{
    CLEANUP(buffer_clear) struct buffer pairs;
    CLEANUP(buffer_clear) struct buffer text;
    struct params signed_ones = {must_allocate(params->count * sizeof *params->list), 0};
    struct error err = {0};
    bool is_made;

    buffer_init(&pairs, CANONICAL_MAX_BYTES);
    buffer_init(&text, 3 * CANONICAL_MAX_BYTES);
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->list[i].name, "Signature") != 0)
            signed_ones.list[signed_ones.count++] = params->list[i];
    is_made =
        params_add_canonical(&signed_ones, &pairs, &err) &&
        buffer_printf(&text, &err, "%.*s&%%2F&", (int)request->method.len, request->method.data) &&
        percent_encode(pairs.data == NULL ? "" : pairs.data, pairs.len, &text, &err);
    free(signed_ones.list); /* names and values are borrowed */
    return is_made ? buffer_take(&text, NULL) : NULL;
}

static char *sign(const char *text, const char *secret)
{
    CLEANUP(cleanup_free) char *key = must_format("%s&", secret);
    CLEANUP(buffer_clear) struct buffer base64;
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct error err = {0};
    size_t len = 0;

    buffer_init(&base64, sizeof mac * 2);
    must_have(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key, strlen(key),
                        (const unsigned char *)text, strlen(text), mac, sizeof mac, &len));
    must_have(base64_encode(mac, len, &base64, &err) ? &base64 : NULL);
    explicit_bzero(key, strlen(key));
    return must_have(buffer_take(&base64, NULL));
}

static bool check_signature(const struct request *request, const struct params *params,
                            const struct ram_key *key, struct reply *reply)
{
    CLEANUP(cleanup_free) char *text = string_to_sign(request, params);
    CLEANUP(cleanup_free) char *expected = text == NULL ? NULL : sign(text, key->secret);

    if (text == NULL)
        return pop_refuse(reply, request, 400, "InvalidParameter", "The request is too large.");
    if (secret_text_equal(slice_of(params_get(params, "Signature")), expected))
        return true;
    return pop_refuse(reply, request, 400, "SignatureDoesNotMatch",
                      "Specified signature is not matched with our calculation. server string to "
                      "sign is:%s",
                      text);
}

static bool has(const struct params *params, const char *name, const char *expected)
{
    const char *value = params_get_filled(params, name);

    return value != NULL && (expected == NULL || strcmp(value, expected) == 0);
}

const struct ram_key *rpc1_authenticate(const struct pop_gate *gate, const struct request *request,
                                        const struct params *params, struct reply *reply)
{
    const struct ram_key *key;

    if (!has(params, "AccessKeyId", NULL)) {
        pop_refuse(reply, request, 400, "MissingAccessKeyId",
                   "AccessKeyId is mandatory for this action.");
        return NULL;
    }
    if (!has(params, "SignatureMethod", "HMAC-SHA1") || !has(params, "SignatureVersion", "1.0") ||
        !has(params, "SignatureNonce", NULL) || !has(params, "Timestamp", NULL) ||
        !has(params, "Signature", NULL)) {
        pop_refuse(reply, request, 400, "IncompleteSignature",
                   "The request signature does not conform to Aliyun standards.");
        return NULL;
    }
    key = pop_check_key(gate, request, params_get(params, "AccessKeyId"),
                        params_get_filled(params, "SecurityToken"), reply);
    if (key == NULL || !pop_check_time(request, params_get(params, "Timestamp"), reply) ||
        !check_signature(request, params, key, reply) ||
        !pop_check_nonce(gate, request, key, params_get(params, "SignatureNonce"), reply))
        return NULL;
    return key;
}
