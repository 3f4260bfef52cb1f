/* The token request itself: client credentials, or the exchange of a user's token. */
#include "plugins/kit/token_request.h"

#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
/* client_id, grant_type, scope, and the three of an exchange */
#define GRANT_FIELD_COUNT 6

static struct sesame_http_field plain_field(const char *name, const char *value)
{
    return (struct sesame_http_field){
        .name = kit_text(name), .value = kit_text(value), .kind = SESAME_FIELD_PLAIN};
}

static struct sesame_http_field secret_field(const char *name, uint64_t secret)
{
    return (struct sesame_http_field){
        .name = kit_text(name), .secret = secret, .kind = SESAME_FIELD_SECRET};
}

void client_auth_add(struct client_auth *auth, const char *name, const char *value)
{
    if (auth->field_count < TOKEN_FORM_MAX_COUNT)
        auth->fields[auth->field_count++] = plain_field(name, value);
}

void client_auth_add_secret(struct client_auth *auth, const char *name, uint64_t secret)
{
    if (auth->field_count < TOKEN_FORM_MAX_COUNT)
        auth->fields[auth->field_count++] = secret_field(name, secret);
}

void client_auth_set_basic(struct client_auth *auth, const char *id, uint64_t secret)
{
    auth->basic = plain_field("Authorization", id);
    auth->basic.secret = secret;
    auth->basic.kind = SESAME_FIELD_BASIC;
}

/* client_id is sent even where the credential names the client already: without it the service
 * answers invalid_request (idaas.md 2). */
static size_t add_grant(const struct token_fetch *fetch, struct sesame_http_field *form)
{
    size_t count = 0;

    form[count++] = plain_field("client_id", fetch->provider->client_id);
    form[count++] = plain_field("scope", fetch->scope);
    if (fetch->subject_token == 0) {
        form[count++] = plain_field("grant_type", "client_credentials");
        return count;
    }
    form[count++] = plain_field("grant_type", GRANT_EXCHANGE);
    form[count++] = secret_field("subject_token", fetch->subject_token);
    form[count++] = plain_field("subject_token_type", TYPE_ACCESS_TOKEN);
    form[count++] = plain_field("requested_token_type", TYPE_ACCESS_TOKEN);
    return count;
}

static void on_answer(struct sesame_instance *instance, struct token_fetch *fetch,
                      const struct token_reply *reply)
{
    (void)instance;
    if (reply->status == SESAME_OK)
        token_answer_end(fetch, reply);
    else
        token_fetch_fail_reply(fetch, reply);
}

void token_request_send(struct token_fetch *fetch, const struct client_auth *auth)
{
    struct sesame_http_field form[GRANT_FIELD_COUNT + TOKEN_FORM_MAX_COUNT];
    struct sesame_http_request http = {
        .method = kit_text("POST"),
        .url = kit_text(fetch->provider->token_endpoint),
        .headers = &auth->basic,
        .header_count = auth->basic.name.len > 0 ? 1 : 0,
        .form = form,
        .form_count = add_grant(fetch, form),
    };

    for (size_t i = 0; i < auth->field_count; i++)
        form[http.form_count++] = auth->fields[i];
    token_fetch_call(fetch, &http, on_answer);
}
