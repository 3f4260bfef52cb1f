/* What the parts of this plugin share. */
#ifndef OAUTH2_H
#define OAUTH2_H

#include "plugins/kit/client_assertion.h"
#include "plugins/kit/token_request.h"

#define HINT_MAX_BYTES 400

/* How the client says who it is; the names are those of the OAuth registry (RFC 7591, 8705). */
enum auth_method {
    AUTH_SECRET_BASIC,
    AUTH_SECRET_POST,
    AUTH_SECRET_JWT,
    AUTH_PRIVATE_KEY_JWT,
    AUTH_TLS, /* tls_client_auth and self_signed_tls_client_auth: the same on the wire */
    AUTH_NONE,
};

/* What the token request calls the audience that a scope names. */
enum audience_parameter { AUDIENCE_RESOURCE, AUDIENCE_AUDIENCE, AUDIENCE_NONE };

/* How the server is found when no token endpoint is configured. */
struct metadata {
    uint64_t http; /* the request under way, or 0 */
    int attempt;
    int32_t http_status;
    struct kit_buffer body;
    struct kit_buffer failure; /* of the attempts so far */
    int64_t fresh_until_ms;    /* monotonic */
};

struct sesame_instance {
    struct token_provider provider; /* token_endpoint is NULL until the metadata is there */
    char *config;                   /* as the host gave it */
    char *issuer;                   /* NULL: none */
    char *metadata_url;             /* NULL: the well-known ones */
    char *server;                   /* for messages */
    char hint[HINT_MAX_BYTES];      /* what to check when the client is refused */
    bool is_endpoint_configured;

    enum auth_method method;
    char *method_name;
    char *algorithm; /* of assertions; NULL: the key's own */
    char *key_id;
    char *certificate_thumbprint;
    char *assertion_audience; /* NULL: the issuer, else the token endpoint */

    bool uses_certificate;          /* at the token endpoint */
    bool binds_to_certificate;      /* and with the tokens */
    struct sesame_binding identity; /* what there is of it, between fetches */
    uint64_t key_pem;               /* the secret that identity.client_key was made of */

    enum audience_parameter audience_parameter;
    bool is_jwt_bearer; /* the grant for a user: RFC 7523 instead of RFC 8693 */
    char *subject_token_type;
    char *requested_token_type;

    struct metadata metadata;
};

/* ---- secrets.c ------------------------------------------------------------------------------- */

/* The place of a member ("/a/b") as people write it: "a.b". */
void place_add(struct kit_buffer *out, const char *place);
/* Whether the configuration has `place` ("/authentication/client_secret") as a variable or file. */
bool secret_is_given(const struct sesame_instance *instance, const char *place);
/* What it has there, as a handle of the caller; a file is read anew. False: `why` says which
 * variable or file, and what is wrong with it. */
bool secret_read(const struct sesame_instance *instance, const char *place, uint64_t *out,
                 struct kit_buffer *why);
/* The same for a private key with its passphrase, if it has one, at `place` and `passphrase_place`.
 */
bool key_read(const struct sesame_instance *instance, const char *place,
              const char *passphrase_place, const char *algorithm, struct assertion_key *out,
              struct kit_buffer *why);

/* Takes over a client certificate and key that have changed, unless another fetch still uses the
 * old ones. */
bool identity_refresh(struct sesame_instance *instance, struct kit_buffer *why);

/* ---- client.c -------------------------------------------------------------------------------- */

/* Secrets of one request, to be dropped when it has been sent. */
struct client_proof {
    struct client_auth auth;
    uint64_t secret;
    char *encoded_id;
};

/* Puts together how the client authenticates this time; an assertion is good for one request. */
bool client_prove(const struct sesame_instance *instance, struct client_proof *out,
                  struct kit_buffer *why);
void client_proof_drop(const struct sesame_instance *instance, struct client_proof *proof);

/* ---- request.c ------------------------------------------------------------------------------- */

/* Sends the token request of `fetch` and ends the fetch by the answer. */
void request_send(struct sesame_instance *instance, struct token_fetch *fetch);

/* ---- metadata.c ------------------------------------------------------------------------------ */

/* True when the token endpoint is known and fresh enough. Else `fetch` waits, and goes on with
 * request_send or ends when the metadata has come. */
bool metadata_is_ready(struct sesame_instance *instance, struct token_fetch *fetch);
/* The server is not what the metadata says it is: look again before the next fetch. */
void metadata_doubt(struct sesame_instance *instance);
void metadata_close(struct sesame_instance *instance);

/* ---- config.c -------------------------------------------------------------------------------- */

/* Fills the instance from its configuration. On failure a status, explained. */
int32_t config_read(struct sesame_instance *instance, const struct sesame_host *host,
                    struct sesame_text config);
void config_free(struct sesame_instance *instance);

#endif
