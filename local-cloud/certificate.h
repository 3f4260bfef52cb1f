/* X.509 certificates: making them, reading PEM, checking a chain, and keys as PEM. */
#ifndef LOCAL_CLOUD_CERTIFICATE_H
#define LOCAL_CLOUD_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct evp_pkey_st;
struct x509_st;

/* What a certificate is to say. Borrowed for the call. */
struct certificate_spec {
    const char *common_name;
    const char *constraints;       /* basicConstraints, as "critical,CA:FALSE" */
    const char *key_usage;         /* as "critical,digitalSignature" */
    const char *extended_usage;    /* NULL: none */
    const char *alternative_names; /* NULL: none */
    struct evp_pkey_st *key;       /* of the subject */
    struct x509_st *issuer;        /* NULL: self-signed */
    struct evp_pkey_st *issuer_key;
};

/* A certificate valid from an hour ago for 30 days. The caller owns it; NULL on failure. */
struct x509_st *certificate_make(const struct certificate_spec *spec);

/* PEM texts; the caller frees them. A private key comes as PKCS#8. NULL on failure. */
char *certificate_pem(struct x509_st *certificate);
char *private_key_pem(struct evp_pkey_st *key);

/* The first certificate of a PEM text; the caller owns it. NULL when there is none. */
struct x509_st *certificate_read(const char *pem);

/* Checks at `now_s` that `leaf_pem` chains up to `anchor` by way of the certificates in
 * `chain_pem` (which may also hold the anchor), with keys and digests of at least 112 bits of
 * security. On success the caller owns the leaf. */
struct x509_st *certificate_check_chain(const char *leaf_pem, const char *chain_pem,
                                        struct x509_st *anchor, int64_t now_s, struct error *err);

/* The subject's common name; the caller frees it. NULL when there is none. */
char *certificate_common_name(struct x509_st *certificate);

#endif
