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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the line that is being written began. */
static size_t line_start(const char *out, size_t used)
{
    while (used > 0 && out[used - 1] != '\n')
        used--;
    return used;
}

/* Ends a line: runs of blanks count once. Blanks behind the colon of a header stay, and behind the
 * last header, DEK-Info, comes an empty line (RFC 1421 section 4.4, encrypted keys of old). */
static size_t end_line(char *out, size_t used)
{
    bool is_last_header;

    if (used == 0 || out[used - 1] == '\n' || out[used - 1] == ' ')
        return used;
    if (out[used - 1] == ':') {
        out[used++] = ' ';
        return used;
    }
    is_last_header = memcmp(out + line_start(out, used), "DEK-Info:", 9) == 0;
    out[used++] = '\n';
    if (is_last_header)
        out[used++] = '\n';
    return used;
}

/* Writes `pem` anew in locked memory with real line breaks: "\n" (two characters) and runs of
 * blanks between the PEM lines become LF. */
static struct secret *normalise(const struct secret *pem, struct error *err)
{
    size_t len, used = 0;
    const char *text = secret_borrow(pem, &len);
    /* At most one line break more for each "-----" and each "DEK-Info:", and zeros behind it. */
    struct secret *clean = secret_new(len + len / 2 + 16, err);
    bool in_dashes = false;
    char *out;

    if (clean == NULL)
        return NULL;
    out = secret_edit(clean, NULL);
    for (size_t i = 0; i < len; i++) {
        if (len - i >= 5 && memcmp(text + i, "-----", 5) == 0) {
            /* Inside "-----BEGIN PRIVATE KEY-----" blanks belong to the label. */
            if (!in_dashes)
                used = end_line(out, used);
            memcpy(out + used, "-----", 5);
            used += 5;
            i += 4;
            if (in_dashes)
                used = end_line(out, used);
            in_dashes = !in_dashes;
        } else if (text[i] == '\\' && i + 1 < len && (text[i + 1] == 'n' || text[i + 1] == 'r')) {
            used = end_line(out, used);
            i++;
        } else if (!in_dashes && is_blank(text[i])) {
            used = end_line(out, used);
        } else {
            out[used++] = text[i];
        }
    }
    used = end_line(out, used);
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

/* ---- base64 without PEM lines ---------------------------------------------------------------- */

/* The DER behind base64 in lines, up to the next PEM line. `out` is to be wiped. */
static bool decode_lines(const char *text, size_t len, bool is_tolerant, struct buffer *out)
{
    struct error ignored = {0};
    struct secret *packed = secret_new(len, &ignored);
    size_t used = 0;
    char *bytes;
    bool ok;

    if (packed == NULL)
        return false;
    bytes = secret_edit(packed, NULL);
    for (size_t i = 0; i < len && text[i] != '-'; i++)
        if (text[i] != '\n')
            bytes[used++] = text[i];
    /* What a cut in the middle leaves may end within a group of four. */
    if (is_tolerant)
        used -= used % 4;
    ok = used > 0 && base64_decode(bytes, used, out, &ignored);
    secret_free(packed);
    return ok;
}

/* DER of PKCS#8, PKCS#1 or SEC1. */
static EVP_PKEY *read_bare(const struct secret *clean)
{
    size_t len;
    const char *text = secret_borrow(clean, &len);
    struct buffer der;
    EVP_PKEY *pkey = NULL;

    buffer_init(&der, PEM_MAX_BYTES);
    if (decode_lines(text, len, false, &der)) {
        const unsigned char *at = (const unsigned char *)der.data;

        pkey = d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, NULL, NULL);
    }
    buffer_wipe(&der);
    return pkey;
}

/* ---- what was found instead of a private key ------------------------------------------------- */

static bool holds(const struct secret *clean, const char *what)
{
    size_t len;
    const char *text = secret_borrow(clean, &len);

    return memmem(text, len, what, strlen(what)) != NULL;
}

static bool is_public_key(const struct buffer *der)
{
    const unsigned char *at = (const unsigned char *)der->data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der->len);
    bool is_one = pkey != NULL;

    EVP_PKEY_free(pkey);
    return is_one;
}

/* A key's DER is one SEQUENCE that says how long it is (X.690 section 8.1.3); the lengths of all
 * keys we take need one or two bytes. */
static bool is_cut(const struct buffer *der)
{
    const unsigned char *bytes = (const unsigned char *)der->data;
    size_t len;

    if (der->len < 4 || bytes[0] != 0x30)
        return false;
    len = bytes[1] < 0x80    ? 2U + bytes[1]
          : bytes[1] == 0x81 ? 3U + bytes[2]
          : bytes[1] == 0x82 ? 4U + ((size_t)bytes[2] << 8 | bytes[3])
                             : 0;
    return der->len < len;
}

static const char *diagnose_body(const struct secret *clean, size_t start, bool is_pem)
{
    size_t len;
    const char *text = secret_borrow(clean, &len);
    struct buffer der;
    const char *found;

    buffer_init(&der, PEM_MAX_BYTES);
    if (!decode_lines(text + start, len - start, true, &der))
        found = is_pem ? "PEM that is damaged: what stands between its lines is no base64"
                       : "neither PEM text nor base64 of a key";
    else if (is_cut(&der))
        found = is_pem
                    ? "PEM that is cut off: its END line is there, but the key in it is not whole"
                    : "base64 of a key that is cut off";
    else if (is_public_key(&der))
        found = "a public key; the private one is needed";
    else if (der.len > 10 && memcmp(der.data, "-----BEGIN", 10) == 0)
        found = "PEM text that was encoded in base64 once more";
    else
        found = is_pem ? "PEM that cannot be read: damaged, or no private key"
                       : "neither PEM text nor base64 of a key";
    buffer_wipe(&der);
    return found;
}

static const char *diagnose(const struct secret *clean, const struct secret *passphrase)
{
    size_t len;
    const char *text = secret_borrow(clean, &len);
    const char *begin = memmem(text, len, "-----BEGIN ", 11), *body;

    if (begin == NULL)
        return diagnose_body(clean, 0, false);
    if (!holds(clean, "-----END "))
        return "PEM that is cut off: its END line is missing";
    if (holds(clean, "BEGIN ENCRYPTED PRIVATE KEY") || holds(clean, "Proc-Type: 4,ENCRYPTED"))
        return passphrase == NULL ? "an encrypted key, and no passphrase was given"
                                  : "an encrypted key that this passphrase does not open, or that "
                                    "is damaged";
    if (holds(clean, "BEGIN PUBLIC KEY") || holds(clean, "BEGIN RSA PUBLIC KEY"))
        return "a public key; the private one is needed";
    if (holds(clean, "BEGIN OPENSSH PRIVATE KEY"))
        return "a key in OpenSSH's own format; ssh-keygen -p -m PKCS8 rewrites it";
    if (holds(clean, "BEGIN CERTIFICATE") && !holds(clean, "PRIVATE KEY"))
        return "a certificate; its private key is needed";
    body = memchr(begin, '\n', len - (size_t)(begin - text));
    return diagnose_body(clean, body == NULL ? len : (size_t)(body + 1 - text), true);
}

/* ---- both forms ------------------------------------------------------------------------------ */

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
