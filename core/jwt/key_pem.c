/* Private keys from PEM as people put it into variables: line breaks lost, escaped, or no PEM
 * lines. */
#include "jwt/key.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "jwt/key_private.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define PEM_MAX_BYTES 65536

/* Writes `pem` anew in locked memory with real line breaks: "\n" (two characters) and runs of
 * blanks between the PEM lines become LF. */
static struct secret *normalise(const struct secret *pem, struct error *err)
{
    size_t len, used = 0;
    const char *text = secret_borrow(pem, &len);
    struct secret *clean = secret_new(len + 2, err);
    bool in_dashes = false;
    char *out;

    if (clean == NULL)
        return NULL;
    out = secret_edit(clean, NULL);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '\\' && i + 1 < len && (text[i + 1] == 'n' || text[i + 1] == 'r')) {
            c = '\n';
            i++;
        } else if (c == '-' && len - i >= 5 && memcmp(text + i, "-----", 5) == 0) {
            /* Inside "-----BEGIN PRIVATE KEY-----" blanks belong to the label. */
            in_dashes = !in_dashes;
            memcpy(out + used, "-----", 5);
            used += 5;
            i += 4;
            continue;
        } else if (!in_dashes && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            c = '\n';
        }
        if (c == '\n' && (used == 0 || out[used - 1] == '\n'))
            continue;
        out[used++] = c;
    }
    out[used++] = '\n';
    secret_shrink(clean, used);
    return clean;
}

static int give_passphrase(char *out, int size, int is_writing, void *arg)
{
    const struct secret *passphrase = arg;
    size_t len;
    const char *bytes;

    (void)is_writing;
    if (passphrase == NULL)
        return 0;
    bytes = secret_borrow(passphrase, &len);
    if (size < 0 || len > (size_t)size)
        return 0;
    memcpy(out, bytes, len);
    return (int)len;
}

static EVP_PKEY *read_pem(const struct secret *pem, const struct secret *passphrase)
{
    size_t len;
    const char *text = secret_borrow(pem, &len);
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *pkey = NULL;
    void *arg = NULL;

    if (bio == NULL)
        return NULL;
    memcpy(&arg, &passphrase, sizeof arg);
    pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, give_passphrase, arg, NULL, NULL);
    BIO_free(bio);
    return pkey;
}

/* Base64 without PEM lines: DER of PKCS#8 or PKCS#1. */
static EVP_PKEY *read_bare(const struct secret *clean)
{
    size_t len, used = 0;
    const char *text = secret_borrow(clean, &len);
    struct error ignored = {0};
    struct secret *packed = secret_new(len, &ignored);
    struct buffer der;
    EVP_PKEY *pkey = NULL;
    char *out;

    if (packed == NULL)
        return NULL;
    out = secret_edit(packed, NULL);
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\n')
            out[used++] = text[i];
    buffer_init(&der, PEM_MAX_BYTES);
    if (used > 0 && base64_decode(out, used, &der, &ignored)) {
        const unsigned char *at = (const unsigned char *)der.data;

        pkey = d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, NULL, NULL);
    }
    buffer_wipe(&der);
    secret_free(packed);
    return pkey;
}

/* What was found instead of a private key, for the message. */
static const char *diagnose(const struct secret *clean, const struct secret *passphrase)
{
    size_t len;
    const char *text = secret_borrow(clean, &len);

    if (memmem(text, len, "BEGIN ENCRYPTED PRIVATE KEY", 27) != NULL ||
        memmem(text, len, "Proc-Type: 4,ENCRYPTED", 22) != NULL)
        return passphrase == NULL ? "an encrypted key, and no passphrase was given"
                                  : "an encrypted key that this passphrase does not open";
    if (memmem(text, len, "BEGIN PUBLIC KEY", 16) != NULL ||
        memmem(text, len, "BEGIN RSA PUBLIC KEY", 20) != NULL)
        return "a public key; the private one is needed";
    if (memmem(text, len, "BEGIN CERTIFICATE", 17) != NULL)
        return "a certificate; its private key is needed";
    if (memmem(text, len, "-----BEGIN", 10) != NULL)
        return memmem(text, len, "-----END", 8) == NULL ? "PEM that is cut off: its END line is "
                                                          "missing"
                                                        : "PEM that cannot be read: damaged or "
                                                          "cut off";
    return "no PEM text";
}

struct signing_key *signing_key_from_pem(const struct secret *pem, const struct secret *passphrase,
                                         struct error *err)
{
    CLEANUP(secret_cleanup) struct secret *clean = normalise(pem, err);
    EVP_PKEY *pkey;
    size_t len;

    if (clean == NULL)
        return NULL;
    (void)secret_borrow(clean, &len);
    pkey = len > PEM_MAX_BYTES ? NULL : read_pem(clean, passphrase);
    if (pkey == NULL)
        pkey = read_bare(clean);
    ERR_clear_error();
    if (pkey == NULL) {
        error_set_named(err, ERROR_BAD_INPUT, "NotSupportedWebKey",
                        "found %s; expected a PKCS#8, PKCS#1 or SEC1 private key in PEM",
                        diagnose(clean, passphrase));
        return NULL;
    }
    return signing_key_take_pkey(pkey, err);
}
