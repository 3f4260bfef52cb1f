/* Attested documents: a machine says what it is, signed by its platform (idaas.md section 2.4). */
#ifndef LOCAL_CLOUD_ATTESTED_DOCUMENT_H
#define LOCAL_CLOUD_ATTESTED_DOCUMENT_H

#include <stdbool.h>

struct error;
struct evp_pkey_st;
struct json_object;
struct x509_st;

/* A PKCS#7 message (RFC 2315 section 9) that holds `content` (taken) as JSON, signed, as one line
 * of Base64. The caller frees it; NULL on failure. */
char *attested_document_make(struct json_object *content, struct x509_st *signer,
                             struct evp_pkey_st *key);

/* Opens a document that `signer` must have signed; white space in `text` is passed over. On success
 * the caller owns `*out_content`. */
bool attested_document_open(const char *text, struct x509_st *signer,
                            struct json_object **out_content, struct error *err);

#endif
