/* Attested documents: a machine says what it is, signed by its platform (idaas.md section 2.4). */
#include "local-cloud/attested_document.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

enum { DOCUMENT_MAX_BYTES = 64 * 1024 };

DEFINE_CLEANUP(cleanup_bio, BIO, BIO_vfree)
DEFINE_CLEANUP(cleanup_pkcs7, PKCS7, PKCS7_free)

static void cleanup_signers(STACK_OF(X509) * *slot)
{
    sk_X509_free(*slot); /* its certificate is borrowed */
}

char *attested_document_make(struct json_object *content, X509 *signer, EVP_PKEY *key)
{
    CLEANUP(cleanup_free) char *text = json_pack_text(content);
    CLEANUP(cleanup_bio) BIO *data = BIO_new_mem_buf(text, -1);
    CLEANUP(cleanup_pkcs7) PKCS7 *message = NULL;
    CLEANUP(buffer_clear) struct buffer line;
    unsigned char *der = NULL;
    struct error ignored = {0};
    int len;

    buffer_init(&line, DOCUMENT_MAX_BYTES);
    if (data != NULL)
        message = PKCS7_sign(signer, key, NULL, data, PKCS7_BINARY);
    len = message == NULL ? -1 : i2d_PKCS7(message, &der);
    if (len > 0 && !base64_encode(der, (size_t)len, &line, &ignored))
        len = -1;
    OPENSSL_free(der);
    return len > 0 ? buffer_take(&line, NULL) : NULL;
}

static PKCS7 *decode(const char *text)
{
    CLEANUP(buffer_clear) struct buffer line;
    CLEANUP(buffer_clear) struct buffer der;
    struct error ignored = {0};
    const unsigned char *at;

    buffer_init(&line, DOCUMENT_MAX_BYTES);
    buffer_init(&der, DOCUMENT_MAX_BYTES);
    for (; *text != '\0'; text++)
        if (strchr(" \t\r\n", *text) == NULL && !buffer_add_char(&line, *text, &ignored))
            return NULL;
    if (line.len == 0 || !base64_decode(line.data, line.len, &der, &ignored) || der.len == 0)
        return NULL;
    at = (const unsigned char *)der.data;
    return d2i_PKCS7(NULL, &at, (long)der.len);
}

/* The signed content, after its signature was checked with `signer` alone: certificates inside the
 * message prove nothing. */
static bool verify(PKCS7 *message, X509 *signer, BIO *out)
{
    CLEANUP(cleanup_signers) STACK_OF(X509) *signers = sk_X509_new_null();

    must_have(signers != NULL && sk_X509_push(signers, signer) > 0 ? signers : NULL);
    return PKCS7_type_is_signed(message) && !PKCS7_get_detached(message) &&
           PKCS7_verify(message, signers, NULL, NULL, out,
                        PKCS7_NOINTERN | PKCS7_NOVERIFY | PKCS7_BINARY) == 1;
}

bool attested_document_open(const char *text, X509 *signer, struct json_object **out_content,
                            struct error *err)
{
    CLEANUP(cleanup_pkcs7) PKCS7 *message = decode(text);
    CLEANUP(cleanup_bio) BIO *out = BIO_new(BIO_s_mem());
    CLEANUP(json_cleanup) struct json_object *content = NULL;
    struct error fault = {0};
    char *bytes = NULL;
    long len;

    must_have(out);
    if (message == NULL) {
        ERR_clear_error();
        return error_set(err, ERROR_BAD_INPUT, "the document is no PKCS#7 message in Base64");
    }
    if (!verify(message, signer, out)) {
        ERR_clear_error();
        return error_set(err, ERROR_DENIED, "the document is not signed by the platform");
    }
    len = BIO_get_mem_data(out, &bytes);
    content = json_parse(len > 0 ? bytes : "", (size_t)len, JSON_DEPTH_DEFAULT, &fault);
    if (content == NULL || !json_object_is_type(content, json_type_object))
        return error_set(err, ERROR_BAD_INPUT, "the document's content is no JSON object");
    *out_content = TAKE(content);
    return true;
}
