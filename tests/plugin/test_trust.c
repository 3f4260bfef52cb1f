/* Digests and signatures of plugins: the file that was meant passes, with any bit changed it does
 * not. */
#include "plugin/trust.h"

#include "base/error.h"
#include "config/host_config.h"
#include "plugin/catalogue.h"
#include "plugin/library.h"

#include "../support/run.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], library[100], manifest_path[100], signature[110];
static char private_key[100], public_key[100];
static struct plugin_manifest *manifest;

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void write_keys(const char *private_path, const char *public_path)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(private_path, "w");

    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    file = fopen(public_path, "w");
    ck_assert_int_eq(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    EVP_PKEY_free(key);
}

static void set_up(void)
{
    static const char text[] =
        "{\"id\":\"good\",\"file\":\"good.so\",\"version\":\"1\",\"description\":\"d\","
        "\"interfaces\":[\"sesame.tool/1\"],\"placement\":\"inline\"}";
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[400];
    struct error err = {0};

    snprintf(folder, sizeof folder, "/tmp/sesame-trust-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(library, sizeof library, "%s/good.so", folder);
    snprintf(signature, sizeof signature, "%s.sig", library);
    snprintf(manifest_path, sizeof manifest_path, "%s/good.json", folder);
    snprintf(private_key, sizeof private_key, "%s/private.pem", folder);
    snprintf(public_key, sizeof public_key, "%s/public.pem", folder);
    write_file(manifest_path, text, sizeof text - 1);
    snprintf(command, sizeof command, "cp %s/.libs/fixture_good.so %s && chmod 0755 %s",
             build == NULL ? "." : build, library, library);
    ck_assert_int_eq(system(command), 0);
    write_keys(private_key, public_key);
    manifest = plugin_manifest_read(folder, "good.json", &err);
    ck_assert_msg(manifest != NULL, "%s", err.message);
    ck_assert_msg(plugin_trust_sign(manifest, private_key, &err), "%s", err.message);
}

static void tear_down(void)
{
    char command[100];

    plugin_manifest_free(manifest);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static bool check(const struct plugins_config *config, struct error *err)
{
    int fd = open(library, O_RDONLY);
    bool ok;

    *err = (struct error){0};
    ok = plugin_trust_check(config, manifest, fd, library, err);
    close(fd);
    return ok;
}

static bool is_signed(void)
{
    char *keys[] = {public_key};
    struct plugins_config config = {
        .default_must_be_signed = true, .trusted_keys = keys, .trusted_key_count = 1};
    struct error err;

    return check(&config, &err);
}

/* Changes one bit of a file, asks, and changes it back. */
static bool passes_with_bit(const char *path, off_t at, int bit)
{
    int fd = open(path, O_RDWR);
    unsigned char byte;
    bool passes;

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    passes = is_signed();
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    return passes;
}

static off_t size_of(const char *path)
{
    struct stat found;

    ck_assert_int_eq(stat(path, &found), 0);
    return found.st_size;
}

START_TEST(a_signed_plugin_passes_and_a_flipped_bit_anywhere_is_refused)
{
    ck_assert(is_signed());
    for (off_t at = 0; at < size_of(library); at += 61)
        ck_assert_msg(!passes_with_bit(library, at, (int)(at % 8)), "library, byte %ld", (long)at);
    for (off_t at = 0; at < size_of(manifest_path); at++)
        ck_assert_msg(!passes_with_bit(manifest_path, at, (int)(at % 8)), "manifest, byte %ld",
                      (long)at);
    /* The last character is the line's end. */
    for (off_t at = 0; at < size_of(signature) - 1; at++)
        ck_assert_msg(!passes_with_bit(signature, at, (int)(at % 7)), "signature, byte %ld",
                      (long)at);
    ck_assert(is_signed());
}
END_TEST

START_TEST(only_a_trusted_key_counts)
{
    char other_private[110], other_public[110];
    char *keys[] = {other_public, public_key};
    struct plugins_config config = {
        .default_must_be_signed = true, .trusted_keys = keys, .trusted_key_count = 1};
    struct error err;

    snprintf(other_private, sizeof other_private, "%s/other.pem", folder);
    snprintf(other_public, sizeof other_public, "%s/other-public.pem", folder);
    write_keys(other_private, other_public);
    ck_assert(!check(&config, &err));
    ck_assert_str_eq(err.name, "PluginNotTrusted");
    config.trusted_key_count = 2;
    ck_assert_msg(check(&config, &err), "%s", err.message);
    unlink(signature);
    ck_assert(!check(&config, &err));
    ck_assert_msg(strstr(err.message, "no signature") != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_key_of_another_kind_is_named)
{
    char path[100];
    struct error err = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file;

    snprintf(path, sizeof path, "%s/ec.pem", folder);
    file = fopen(path, "w");
    ck_assert_int_eq(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    EVP_PKEY_free(key);
    ck_assert(!plugin_trust_verify(manifest, path, &err));
    ck_assert_msg(strstr(err.message, "expected an Ed25519 public key") != NULL, "%s", err.message);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    error_clear(&err);
    /* A private key is no public one. */
    ck_assert(!plugin_trust_verify(manifest, private_key, &err));
    error_clear(&err);
    ck_assert_msg(plugin_trust_verify(manifest, public_key, &err), "%s", err.message);
}
END_TEST

START_TEST(a_digest_is_held_against_the_library)
{
    char found[DIGEST_TEXT_SIZE], none[] = "", good[] = "good";
    struct plugin_config item = {.id = good, .sha256 = found, .directory = none};
    struct plugins_config config = {.items = &item, .count = 1};
    struct error err = {0};
    int fd = open(library, O_RDONLY);

    ck_assert(plugin_trust_digest(fd, found, &err));
    close(fd);
    ck_assert_msg(check(&config, &err), "%s", err.message);
    found[63] = found[63] == '0' ? '1' : '0';
    ck_assert(!check(&config, &err));
    ck_assert_str_eq(err.name, "PluginNotTrusted");
    ck_assert_ptr_nonnull(strstr(err.message, "wanted the SHA-256 digest"));
}
END_TEST

START_TEST(a_plugin_that_does_not_pass_is_not_loaded)
{
    char *keys[] = {public_key};
    struct plugins_config config = {
        .default_must_be_signed = true, .trusted_keys = keys, .trusted_key_count = 1};
    struct error err = {0};
    struct plugin_catalogue *catalogue = plugin_catalogue_new(folder, NULL, &err);
    const struct plugin_manifest *found = plugin_catalogue_find(catalogue, "good");

    plugin_catalogue_set_trust(catalogue, &config);
    unlink(signature);
    ck_assert_ptr_null(plugin_library_open(catalogue, found, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "no signature"));
    error_clear(&err);
    ck_assert(plugin_trust_sign(manifest, private_key, &err));
    ck_assert_msg(plugin_library_open(catalogue, found, &err) != NULL, "%s", err.message);
    plugin_catalogue_free(catalogue);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signed_plugin_passes_and_a_flipped_bit_anywhere_is_refused,
        only_a_trusted_key_counts,
        a_key_of_another_kind_is_named,
        a_digest_is_held_against_the_library,
        a_plugin_that_does_not_pass_is_not_loaded,
        NULL,
    };

    return run_tests("trust", tests, set_up, tear_down);
}
