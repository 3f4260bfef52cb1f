/* What an access token is bound to: who sends it must prove that he holds these keys. */
#ifndef SESAME_CREDENTIAL_TOKEN_BINDING_H
#define SESAME_CREDENTIAL_TOKEN_BINDING_H

struct error;
struct secret;
struct signing_key;

/* Immutable and shared by all copies of the token, on any thread. Either half may be missing; a
 * bearer token has no binding at all (NULL). */
struct token_binding {
    struct signing_key *proof_key;     /* DPoP (RFC 9449) */
    struct secret *client_certificate; /* mutual TLS (RFC 8705): PEM, leaf first */
    struct signing_key *client_key;    /* goes with the certificate */
};

/* References of the parts are taken; any may be NULL. One reference belongs to the caller. */
struct token_binding *token_binding_new(struct signing_key *proof_key,
                                        struct secret *client_certificate,
                                        struct signing_key *client_key, struct error *err);

/* [any thread] NULL is fine for both. */
struct token_binding *token_binding_ref(struct token_binding *binding);
void token_binding_free(struct token_binding *binding);

#endif
