/* The IDaaS SDK file (client-config.json) as the IDaaS console generates it.
 *
 * Keys, defaults and error codes are those of the vendor's SDK (cloud-idaas core SDK for Java and
 * Python); where we are stricter, tests/config/test_idaas_vectors.c says why, case by case. The
 * file never holds a secret, only names of variables and of files. */
#ifndef SESAME_CONFIG_IDAAS_CONFIG_H
#define SESAME_CONFIG_IDAAS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/source.h"

struct buffer;
struct error;
struct problems;

#define IDAAS_SCOPE_DEFAULT "urn:cloud:idaas:pam|cloud_account:obtain_access_credential"
#define IDAAS_PAM_AUDIENCE "urn:cloud:idaas:pam"   /* the credential vault */
#define IDAAS_PAM_SCOPE IDAAS_PAM_AUDIENCE "|.all" /* AT_p */

enum authn_method {
    AUTHN_NONE,
    AUTHN_CLIENT_SECRET_POST,
    AUTHN_CLIENT_SECRET_BASIC,
    AUTHN_CLIENT_SECRET_JWT,
    AUTHN_PRIVATE_KEY_JWT,
    AUTHN_PKCS7,
    AUTHN_PCA,
    AUTHN_OIDC,
    AUTHN_PLUGIN,
};
const char *authn_method_text(enum authn_method method); /* "CLIENT_SECRET_BASIC" */

/* Immutable once loaded, shared read-only between threads. Texts are never NULL; "" means that the
 * file does not say. */
struct idaas_config {
    char *file; /* the path it was read from */
    char *instance_id;
    char *client_id;
    char *issuer;         /* as written: compared with `iss` byte for byte */
    char *token_endpoint; /* the URLs are normalised (endpoint_normalise) */
    char *scope;
    char *device_authorization_endpoint;
    char *developer_api_endpoint;
    char *open_api_endpoint;

    enum authn_method method;
    char *client_secret_env;
    char *private_key_env;
    char *passphrase_env; /* of an encrypted private key; a key of ours, as is `algorithm` */
    char *algorithm;      /* of client assertions, "PS256"; "": by the key */
    char *federated_credential_name;
    char *deploy_environment; /* upper case */
    char *oidc_token_file;    /* also when the variable below held it */
    char *oidc_token_file_env;
    char *client_certificate; /* PEM */
    char *certificate_chain;  /* PEM */
    char *human_client_id;
    char *plugin_name;
    bool is_human; /* identityType HUMAN: the device flow */

    int64_t connect_timeout_ms;
    int64_t read_timeout_ms;

    struct config_pool *pool; /* owns all texts */
};

/* Picks the file: `argument` (may be NULL; "classpath:" in front is dropped), else
 * CLOUD_IDAAS_CONFIG_PATH unless blank, else ~/.cloud_idaas/client-config.json; '~/' is expanded.
 * The caller frees the path. NULL (LoadConfigFileFailed) when there is no such file; the error
 * then mentions a client_config.json (underscore) that lies where the right one should. */
char *idaas_config_find(const char *argument, const struct config_source *source,
                        struct error *err);

/* Reads and checks the file. NULL when `problems` got at least one error. */
struct idaas_config *idaas_config_load(const char *path, const struct config_source *source,
                                       struct problems *problems);

/* The same with the text at hand; `path` is for messages. */
struct idaas_config *idaas_config_parse(const char *path, const char *text, size_t len,
                                        const struct config_source *source,
                                        struct problems *problems);
void idaas_config_free(struct idaas_config *config);
void idaas_config_cleanup(struct idaas_config **slot);

/* The configuration as camel-case JSON with what is set, normalised: what a credential-provider
 * plugin gets to see. */
bool idaas_config_to_json(const struct idaas_config *config, struct buffer *out, struct error *err);

#endif
