/* @NAME@: a credential provider that asks a token endpoint for access tokens with a client secret
 * (RFC 6749, section 4.4). Put what your server wants in the place of fetch and on_done.
 *
 * The host caches and refreshes; this only fetches. It never waits: fetch starts a request and
 * returns, on_done ends the call. It holds no secret, only handles to them. */
#include <sesame/credential_provider.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_MAX_COUNT 16

struct fetch {
    uint64_t call; /* 0: free */
    uint64_t http;
    int32_t http_status;
};

struct sesame_instance {
    const struct sesame_host *host;
    const struct sesame_credential_provider_host_v1 *calls;
    const struct sesame_http_v1 *http;
    const struct sesame_json_v1 *json;
    const struct sesame_secret_v1 *secrets;
    char token_endpoint[512], client_id[512]; /* 120 characters are 480 bytes at most */
    struct fetch fetches[FETCH_MAX_COUNT];    /* several may be open at once */
};

/* What the operator configures. The marks are for the host: it grants requests to the origin of
 * token_endpoint, and reads the secret from the environment variable that client_secret names. */
static const char config_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"token_endpoint\": {\"type\": \"string\", \"maxLength\": 120, \"x-origin\": true},"
    "\"client_id\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 120},"
    "\"client_secret\": {\"type\": \"string\", \"x-secret\": \"env\"}},"
    "\"required\": [\"token_endpoint\", \"client_id\", \"client_secret\"]}";

static struct sesame_text text_of(const char *text)
{
    return (struct sesame_text){text, strlen(text)};
}

/* The open fetch of this call; of call 0 a free place. */
static struct fetch *find(struct sesame_instance *instance, uint64_t call)
{
    for (size_t i = 0; i < FETCH_MAX_COUNT; i++)
        if (instance->fetches[i].call == call)
            return &instance->fetches[i];
    return NULL;
}

/* Ends the call: `token` is 0 for a failure. No secret may stand in `data`. */
static void complete(struct sesame_instance *instance, uint64_t call, int32_t status,
                     uint64_t token, const char *data)
{
    struct sesame_token_result result = {.token = token, .data = text_of(data)};

    (void)instance->calls->complete(instance->host, call, status, &result);
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    (void)headers;
    (void)header_count;
    find(instance, tag)->http_status = http_status;
}

/* A line break would end the header that the token goes into. */
static bool is_printable(struct sesame_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.len > 0;
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
    else if (status == SESAME_OK && http_status >= 400 && http_status < 500)
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

static bool read_text(const struct sesame_instance *instance, struct sesame_text config,
                      const char *pointer, char *out, size_t size)
{
    struct sesame_text literal;
    size_t len;

    return instance->json->find(instance->host, config, text_of(pointer), &literal) == SESAME_OK &&
           instance->json->unquote(instance->host, literal, out, size - 1, &len) == SESAME_OK;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL)
        return SESAME_LIMIT;
    instance->host = host;
    instance->calls = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->json = host->get_service(host, SESAME_JSON_V1);
    instance->secrets = host->get_service(host, SESAME_SECRET_V1);
    if (instance->calls != NULL && instance->http != NULL && instance->json != NULL &&
        instance->secrets != NULL &&
        read_text(instance, config, "/token_endpoint", instance->token_endpoint,
                  sizeof instance->token_endpoint) &&
        read_text(instance, config, "/client_id", instance->client_id,
                  sizeof instance->client_id)) {
        *out_instance = instance;
        return SESAME_OK;
    }
    free(instance);
    return SESAME_BAD_INPUT;
}

static void destroy(struct sesame_instance *instance)
{
    free(instance);
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 table = {fetch, cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &table : NULL;
}

/* Without one of these the host does not call create. */
static const char *const needs[] = {SESAME_CREDENTIAL_PROVIDER_HOST_V1, SESAME_HTTP_V1,
                                    SESAME_JSON_V1, SESAME_SECRET_V1, NULL};
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
    .destroy = destroy,
};
