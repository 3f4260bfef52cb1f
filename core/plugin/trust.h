/* Whether a plugin's file is the one the operator meant: a digest, or a signature by a key he
 * trusts.
 *
 * What is checked is the descriptor that is then loaded, so nothing can be exchanged in between.
 * The signature covers library and manifest: the manifest says what a plugin serves and which
 * origins it may call. */
#ifndef SESAME_PLUGIN_TRUST_H
#define SESAME_PLUGIN_TRUST_H

#include <stdbool.h>

struct error;
struct plugin_manifest;
struct plugins_config;

#define DIGEST_TEXT_SIZE 65 /* SHA-256 in lower-case hex, and NUL */

/* Holds the library's descriptor against "sha256" and "signed" of the plugin's settings; with
 * neither set everything passes. The error names what was wanted and found. */
bool plugin_trust_check(const struct plugins_config *config, const struct plugin_manifest *manifest,
                        int library_fd, const char *library_path, struct error *err);

/* SHA-256 of a file from its beginning; the place of the descriptor is left alone. */
bool plugin_trust_digest(int fd, char out[DIGEST_TEXT_SIZE], struct error *err);

/* Holds a file's descriptor against a digest, 64 hex digits in any case. */
bool plugin_trust_check_digest(const char *wanted, int fd, const char *path, struct error *err);

/* Writes LIBRARY.sig beside the library: an Ed25519 signature with the private key in the PEM file
 * `key_path`. */
bool plugin_trust_sign(const struct plugin_manifest *manifest, const char *key_path,
                       struct error *err);

/* Checks LIBRARY.sig with the public key in the PEM file `key_path`. */
bool plugin_trust_verify(const struct plugin_manifest *manifest, const char *key_path,
                         struct error *err);

#endif
