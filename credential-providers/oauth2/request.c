/* The token request: which grant, for what, and what to do about the answer. */
#include "oauth2.h"

#include <stdlib.h>

#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define GRANT_JWT_BEARER "urn:ietf:params:oauth:grant-type:jwt-bearer"

static void add_user_grant(const struct sesame_instance *instance, const struct token_fetch *fetch,
                           struct client_auth *form)
{
    if (instance->is_jwt_bearer) {
        client_auth_add(form, "grant_type", GRANT_JWT_BEARER);
        client_auth_add_secret(form, "assertion", fetch->subject_token);
        return;
    }
    client_auth_add(form, "grant_type", GRANT_EXCHANGE);
    client_auth_add_secret(form, "subject_token", fetch->subject_token);
    client_auth_add(form, "subject_token_type", instance->subject_token_type);
    if (instance->requested_token_type[0] != '\0')
        client_auth_add(form, "requested_token_type", instance->requested_token_type);
}

static void add_grant(const struct sesame_instance *instance, const struct token_fetch *fetch,
                      struct client_auth *form)
{
    if (fetch->subject_token != 0)
        add_user_grant(instance, fetch, form);
    else
        client_auth_add(form, "grant_type", "client_credentials");
    if (fetch->values[0] != '\0')
        client_auth_add(form, "scope", fetch->values);
    if (fetch->audience[0] != '\0' && instance->audience_parameter != AUDIENCE_NONE)
        client_auth_add(form,
                        instance->audience_parameter == AUDIENCE_RESOURCE ? "resource" : "audience",
                        fetch->audience);
}

/* The members of "parameters"; the texts go into `texts`, which the caller frees. */
static bool add_parameters(const struct sesame_instance *instance, struct client_auth *form,
                           char *texts[2 * TOKEN_FORM_MAX_COUNT])
{
    const struct kit *kit = &instance->provider.kit;
    struct sesame_text all, name, value;
    size_t position = 0, count = 0;

    if (!kit_find(kit, kit_text(instance->config), "/parameters", &all))
        return true;
    while (kit->json->next(kit->host, all, &position, &name, &value) == SESAME_OK) {
        texts[count] = kit_unquote(kit, name, NULL);
        texts[count + 1] = kit_unquote(kit, value, NULL);
        if (texts[count] == NULL || texts[count + 1] == NULL)
            return false;
        client_auth_add(form, texts[count], texts[count + 1]);
        count += 2;
    }
    return true;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* RFC 9449 section 8. The host has kept the nonce, so a new request carries it; and it needs a new
 * assertion anyway, as servers take each only once. */
static bool wants_nonce(const struct sesame_instance *instance, const struct token_fetch *fetch,
                        const struct token_reply *reply)
{
    const struct token_provider *provider = &instance->provider;
    char raw[40];
    size_t len = 0;

    return fetch->binding.proof_key != 0 && fetch->requests == 1 && reply->answer != 0 &&
           (reply->http_status == 400 || reply->http_status == 401) &&
           provider->secret->json_read(provider->kit.host, reply->answer, kit_text("/error"), raw,
                                       sizeof raw, &len) == SESAME_OK &&
           kit_equal((struct sesame_text){raw, len}, "\"use_dpop_nonce\"");
}

static void on_answer(struct sesame_instance *instance, struct token_fetch *fetch,
                      const struct token_reply *reply)
{
    if (reply->status != SESAME_OK) {
        metadata_doubt(instance);
        token_fetch_fail_reply(fetch, reply);
        return;
    }
    if (wants_nonce(instance, fetch, reply)) {
        request_send(instance, fetch);
        return;
    }
    if (reply->http_status == 404 || reply->http_status == 405 || reply->http_status == 410)
        metadata_doubt(instance);
    token_answer_end(fetch, reply);
}

/* ---- the request ----------------------------------------------------------------------------- */

/* The certificate is bound to the token only where the configuration says so; the connection to the
 * token endpoint has it either way. */
static void on_answer_unbound(struct sesame_instance *instance, struct token_fetch *fetch,
                              const struct token_reply *reply)
{
    fetch->binding.client_certificate = fetch->binding.client_key = 0;
    on_answer(instance, fetch, reply);
}

static void send_form(struct sesame_instance *instance, struct token_fetch *fetch,
                      const struct client_auth *form)
{
    struct sesame_http_request http = {
        .method = kit_text("POST"),
        .url = kit_text(instance->provider.token_endpoint),
        .headers = &form->basic,
        .header_count = form->basic.name.len > 0 ? 1 : 0,
        .form = form->fields,
        .form_count = form->field_count,
    };

    fetch->binding = instance->identity;
    token_fetch_call(fetch, &http, instance->binds_to_certificate ? on_answer : on_answer_unbound);
}

void request_send(struct sesame_instance *instance, struct token_fetch *fetch)
{
    char *texts[2 * TOKEN_FORM_MAX_COUNT] = {NULL};
    struct client_proof proof = {.secret = 0};
    struct kit_buffer why = {0};

    if (!identity_refresh(instance, &why) || !client_prove(instance, &proof, &why)) {
        /* A file may be back a moment later: a volume that is being written anew. */
        token_fetch_fail(fetch, SESAME_UNAVAILABLE, "ClientCredentialNotFound",
                         why.data == NULL ? "no memory for a token request" : why.data);
    } else {
        add_grant(instance, fetch, &proof.auth);
        if (add_parameters(instance, &proof.auth, texts))
            send_form(instance, fetch, &proof.auth);
        else
            token_fetch_fail(fetch, SESAME_INTERNAL, "", "no memory for a token request");
    }
    client_proof_drop(instance, &proof);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    kit_clear(&why);
}
