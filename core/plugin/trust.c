/* Whether a plugin's file is the one the operator meant. */
#include "plugin/trust.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "config/host_config.h"
#include "config/source.h"
#include "plugin/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIGNATURE_BYTES 64 /* Ed25519, RFC 8032 */
#define SIGNATURE_FILE_MAX_BYTES 1024
#define READ_BYTES ((size_t)64 * 1024)

DEFINE_CLEANUP(cleanup_md_context, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(cleanup_key, EVP_PKEY, EVP_PKEY_free)

static const struct plugin_config *settings_of(const struct plugins_config *config, const char *id)
{
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->items[i].id, id) == 0)
            return &config->items[i];
    return NULL;
}

static char *library_path(const struct plugin_manifest *manifest, struct error *err)
{
    char *path;

    if (asprintf(&path, "%s/%s", manifest->directory, manifest->file) >= 0)
        return path;
    error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    return NULL;
}

/* ---- digests --------------------------------------------------------------------------------- */

bool plugin_trust_digest(int fd, char out[DIGEST_TEXT_SIZE], struct error *err)
{
    CLEANUP(cleanup_md_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    char bytes[READ_BYTES];
    off_t at = 0;
    ssize_t got = 0;
    bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    while (ok && (got = pread(fd, bytes, sizeof bytes, at)) > 0) {
        ok = EVP_DigestUpdate(context, bytes, (size_t)got) == 1;
        at += got;
    }
    if (got < 0)
        return error_set(err, ERROR_INTERNAL, "cannot be read: %s", strerror(errno));
    if (!ok || EVP_DigestFinal_ex(context, digest, NULL) != 1)
        return error_set(err, ERROR_NO_MEMORY, "no digest can be made");
    hex_encode(digest, 32, out);
    return true;
}

static bool digest_file(const char *path, char out[DIGEST_TEXT_SIZE], struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be opened: %s", path, strerror(errno));
    return plugin_trust_digest(fd, out, err) || error_prefix(err, "%s", path);
}

bool plugin_trust_check_digest(const char *wanted, int fd, const char *path, struct error *err)
{
    char found[DIGEST_TEXT_SIZE];

    if (!plugin_trust_digest(fd, found, err))
        return error_prefix(err, "%s", path);
    return slice_equal_nocase(slice_of(wanted), found) ||
           error_set_named(err, ERROR_DENIED, "PluginNotTrusted",
                           "%s: wanted the SHA-256 digest %s, found %s", path, wanted, found);
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* What is signed: a line that says what this is, the id, both digests. */
static bool make_statement(const struct plugin_manifest *manifest, int fd, struct buffer *out,
                           struct error *err)
{
    char library[DIGEST_TEXT_SIZE], description[DIGEST_TEXT_SIZE];

    return plugin_trust_digest(fd, library, err) && digest_file(manifest->path, description, err) &&
           buffer_printf(out, err, "sesame plugin signature 1\n%s\n%s\n%s\n", manifest->id, library,
                         description);
}

static EVP_PKEY *read_key(const char *path, bool is_private, struct error *err)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = NULL;

    if (file == NULL) {
        error_set(err, ERROR_NOT_FOUND, "the key %s cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    key = is_private ? PEM_read_PrivateKey(file, NULL, NULL, NULL)
                     : PEM_read_PUBKEY(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
        return key;
    error_set(err, ERROR_BAD_INPUT, "%s holds %s, expected an Ed25519 %s key in PEM form", path,
              key == NULL ? "no key that can be read" : "a key of another kind",
              is_private ? "private" : "public");
    EVP_PKEY_free(key);
    return NULL;
}

static bool read_signature(const char *path, unsigned char out[SIGNATURE_BYTES], struct error *err)
{
    CLEANUP(cleanup_free) char *sig_path = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(buffer_clear) struct buffer bytes;
    struct slice line;
    size_t len;

    buffer_init(&bytes, SIGNATURE_FILE_MAX_BYTES);
    if (asprintf(&sig_path, "%s.sig", path) < 0) {
        sig_path = NULL;
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    }
    text = config_read_file(sig_path, &len, err);
    if (text == NULL)
        return error_prefix(err, "no signature");
    line = slice_trim((struct slice){text, len});
    if (!base64_decode(line.data, line.len, &bytes, err) || bytes.len != SIGNATURE_BYTES) {
        error_clear(err);
        return error_set(err, ERROR_BAD_INPUT, "%s: expected one line of base64 with 64 bytes",
                         sig_path);
    }
    memcpy(out, bytes.data, SIGNATURE_BYTES);
    return true;
}

static bool is_signed_by(const char *key_path, const struct buffer *statement,
                         const unsigned char signature[SIGNATURE_BYTES], bool *out_fits,
                         struct error *err)
{
    CLEANUP(cleanup_key) EVP_PKEY *key = read_key(key_path, false, err);
    CLEANUP(cleanup_md_context) EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (key == NULL)
        return false;
    *out_fits = context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, SIGNATURE_BYTES,
                                 (const unsigned char *)statement->data, statement->len) == 1;
    return true;
}

static bool check_signature(const struct plugin_manifest *manifest, int fd, const char *path,
                            char *const *keys, size_t key_count, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer statement;
    unsigned char signature[SIGNATURE_BYTES];
    bool fits = false;

    buffer_init(&statement, SIGNATURE_FILE_MAX_BYTES);
    if (!make_statement(manifest, fd, &statement, err) || !read_signature(path, signature, err))
        return error_prefix(err, "%s", path);
    for (size_t i = 0; i < key_count && !fits; i++)
        if (!is_signed_by(keys[i], &statement, signature, &fits, err))
            return false;
    return fits || error_set_named(err, ERROR_DENIED, "PluginNotTrusted",
                                   "%s: %s.sig is not a signature of it and %s by a trusted key",
                                   path, path, manifest->path);
}

bool plugin_trust_check(const struct plugins_config *config, const struct plugin_manifest *manifest,
                        int library_fd, const char *path, struct error *err)
{
    const struct plugin_config *settings = settings_of(config, manifest->id);
    const char *digest = settings == NULL ? "" : settings->sha256;
    bool must_be_signed =
        settings == NULL ? config->default_must_be_signed : settings->must_be_signed;

    if (digest[0] != '\0' && !plugin_trust_check_digest(digest, library_fd, path, err))
        return false;
    return !must_be_signed || check_signature(manifest, library_fd, path, config->trusted_keys,
                                              config->trusted_key_count, err);
}

bool plugin_trust_verify(const struct plugin_manifest *manifest, const char *key_path,
                         struct error *err)
{
    CLEANUP(cleanup_free) char *path = library_path(manifest, err);
    CLEANUP(cleanup_close) int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    char *keys[1];

    if (path == NULL)
        return false;
    if (fd < 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be opened: %s", path, strerror(errno));
    memcpy(&keys[0], &key_path, sizeof keys[0]); /* the list is not written to */
    return check_signature(manifest, fd, path, keys, 1, err);
}

/* ---- making one ------------------------------------------------------------------------------ */

static bool write_signature(const char *path, const unsigned char signature[SIGNATURE_BYTES],
                            struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text;
    CLEANUP(cleanup_free) char *sig_path = NULL;
    FILE *file;
    bool ok;

    buffer_init(&text, SIGNATURE_FILE_MAX_BYTES);
    if (asprintf(&sig_path, "%s.sig", path) < 0) {
        sig_path = NULL;
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    }
    if (!base64_encode(signature, SIGNATURE_BYTES, &text, err) ||
        !buffer_add_char(&text, '\n', err))
        return false;
    file = fopen(sig_path, "we");
    ok = file != NULL && fwrite(text.data, 1, text.len, file) == text.len;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return ok ||
           error_set(err, ERROR_INTERNAL, "%s cannot be written: %s", sig_path, strerror(errno));
}

bool plugin_trust_sign(const struct plugin_manifest *manifest, const char *key_path,
                       struct error *err)
{
    CLEANUP(cleanup_free) char *path = library_path(manifest, err);
    CLEANUP(cleanup_close) int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(cleanup_key) EVP_PKEY *key = read_key(key_path, true, err);
    CLEANUP(cleanup_md_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    CLEANUP(buffer_clear) struct buffer statement;
    unsigned char signature[SIGNATURE_BYTES];
    size_t len = sizeof signature;

    buffer_init(&statement, SIGNATURE_FILE_MAX_BYTES);
    if (path == NULL || key == NULL)
        return false;
    if (fd < 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be opened: %s", path, strerror(errno));
    if (!make_statement(manifest, fd, &statement, err))
        return false;
    if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &len, (const unsigned char *)statement.data,
                       statement.len) != 1)
        return error_set(err, ERROR_INTERNAL, "%s cannot be signed with %s", path, key_path);
    return write_signature(path, signature, err);
}
