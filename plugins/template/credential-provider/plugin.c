/* @NAME@: a credential provider that asks a token endpoint for access tokens with a client secret
 * (RFC 6749, section 4.4). Put what your server wants in the place of fetch and on_done.
 *
 * The host caches and refreshes; this only fetches. It never waits: fetch starts a request and
 * returns, on_done ends the call. It holds no secret, only handles to them. provider.h has what is
 * the same whatever the server wants. */
#include "provider.h"

/* What the operator configures. The marks are for the host: it grants requests to the origin of
 * token_endpoint, and reads the secret from the environment variable that client_secret names. */
static const char config_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"token_endpoint\": {\"type\": \"string\", \"maxLength\": 120, \"x-origin\": true},"
    "\"client_id\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 120},"
    "\"client_secret\": {\"type\": \"string\", \"x-secret\": \"env\"}},"
    "\"required\": [\"token_endpoint\", \"client_id\", \"client_secret\"]}";

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    (void)headers;
    (void)header_count;
    find(instance, tag)->http_status = http_status;
}

/* Nothing is believed of the answer that was not looked at. */
static void give_token(struct sesame_instance *instance, uint64_t call, uint64_t answer)
{
    const struct sesame_secret_v1 *secrets = instance->secrets;
    char seconds[10] = "", data[64] = "{}";
    struct sesame_text bytes;
    uint64_t token = 0;
    size_t len = 0;

    if (answer == 0 ||
        secrets->json_take(instance->host, answer, text_of("/access_token"), &token) != SESAME_OK ||
        secrets->borrow(instance->host, token, &bytes) != SESAME_OK || !is_printable(bytes)) {
        if (token != 0)
            secrets->free(instance->host, token);
        complete(instance, call, SESAME_UNAVAILABLE, 0,
                 "{\"message\": \"no token in the answer\"}");
        return;
    }
    /* At most nine digits; without a lifetime the host takes a short one. */
    if (secrets->json_read(instance->host, answer, text_of("/expires_in"), seconds,
                           sizeof seconds - 1, &len) == SESAME_OK &&
        strspn(seconds, "0123456789") == len)
        (void)snprintf(data, sizeof data, "{\"expires_in_s\": %s}", seconds);
    complete(instance, call, SESAME_OK, token, data);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    int32_t http_status = find(instance, tag)->http_status;

    (void)message;
    memset(find(instance, tag), 0, sizeof(struct fetch));
    /* A refusal (SESAME_DENIED) holds for a while; what is out of order is asked again soon. */
    if (status == SESAME_OK && http_status == 200)
        give_token(instance, tag, answer);
    else if (status == SESAME_OK &&
             (http_status == 400 || http_status == 401 || http_status == 403))
        complete(instance, tag, SESAME_DENIED, 0,
                 "{\"code\": \"invalid_client\", \"message\": \"the server refuses the client\"}");
    else
        complete(instance, tag, status == SESAME_OK ? SESAME_UNAVAILABLE : status, 0,
                 "{\"message\": \"no answer, or one that makes no sense\"}");
    if (answer != 0)
        instance->secrets->free(instance->host, answer);
}

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    static const struct sesame_http_events events = {on_head, NULL, on_done};
    struct fetch *place = find(instance, 0);
    struct sesame_http_field form[] = {
        {.name = text_of("grant_type"), .value = text_of("client_credentials")},
        {.name = text_of("scope"), .value = request->values},
        {.name = text_of("client_id"), .value = text_of(instance->client_id)},
        {.name = text_of("client_secret"), .kind = SESAME_FIELD_SECRET},
    };
    struct sesame_http_request http = {.method = text_of("POST"),
                                       .url = text_of(instance->token_endpoint),
                                       .form = form,
                                       .form_count = sizeof form / sizeof form[0],
                                       .deadline_ms = request->deadline_ms,
                                       .flags = SESAME_HTTP_SECRET_ANSWER};
    int32_t status = place == NULL
                         ? SESAME_LIMIT
                         : instance->secrets->from_config(instance->host, text_of("/client_secret"),
                                                          &form[3].secret);

    if (status == SESAME_OK) {
        status = instance->http->start(instance->host, &http, &events, call, &place->http);
        instance->secrets->free(instance->host, form[3].secret);
    }
    if (status == SESAME_OK)
        place->call = call;
    else
        complete(instance, call, status, 0, "{\"message\": \"the request cannot be made\"}");
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    if (find(instance, call) != NULL) /* on_done follows */
        instance->http->cancel(instance->host, find(instance, call)->http);
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = provider_new(host);

    if (instance == NULL)
        return SESAME_LIMIT;
    if (read_text(instance, config, "/token_endpoint", instance->token_endpoint,
                  sizeof instance->token_endpoint) &&
        read_text(instance, config, "/client_id", instance->client_id,
                  sizeof instance->client_id)) {
        *out_instance = instance;
        return SESAME_OK;
    }
    provider_free(instance);
    return SESAME_BAD_INPUT;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 table = {fetch, cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &table : NULL;
}

static const char *const offers[] = {SESAME_CREDENTIAL_PROVIDER_V1, NULL};

/* The one thing that is exported. The id must be that of @NAME@.json. */
const struct sesame_plugin sesame_plugin_v1 = {
    .id = "@NAME@",
    .version = "0.1",
    .description = "Tokens for a client secret.",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .destroy = provider_free,
};
