/* Tokens from IDaaS with a client secret (idaas.md 2 and 3): Basic, form field or assertion. */
#include "client_secret.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES (64 * 1024)
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define FIELD_MAX_COUNT 8

static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"clientId\":{\"type\":\"string\",\"minLength\":1},"
    "\"tokenEndpoint\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true},"
    "\"authnConfiguration\":{\"type\":\"object\",\"properties\":{"
    "\"authnMethod\":{\"enum\":[\"CLIENT_SECRET_BASIC\",\"CLIENT_SECRET_POST\","
    "\"CLIENT_SECRET_JWT\"]},"
    "\"clientSecretEnvVarName\":{\"type\":\"string\",\"minLength\":1,\"x-secret\":\"env\"}},"
    "\"required\":[\"authnMethod\",\"clientSecretEnvVarName\"]},"
    "\"httpConfiguration\":{\"type\":\"object\",\"default\":{},\"properties\":{"
    "\"connectTimeout\":{\"type\":\"integer\",\"default\":5000},"
    "\"readTimeout\":{\"type\":\"integer\",\"default\":10000}}}},"
    "\"required\":[\"clientId\",\"tokenEndpoint\",\"authnConfiguration\"]}";

/* ---- one fetch ------------------------------------------------------------------------------- */

static void free_fetch(struct fetch *fetch)
{
    struct fetch **link = &fetch->instance->fetches;

    while (*link != fetch)
        link = &(*link)->next;
    *link = fetch->next;
    free(fetch->scope);
    free(fetch);
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct fetch *fetch = (struct fetch *)(uintptr_t)tag;

    (void)instance;
    fetch->http_status = http_status;
    for (size_t i = 0; i < header_count; i++) {
        int64_t seconds;

        if (kit_equal_nocase(headers[i].name, "retry-after") &&
            kit_parse_int(headers[i].value, &seconds) && seconds >= 0 && seconds < 86400)
            fetch->retry_after_ms = seconds * 1000;
    }
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct fetch *fetch = (struct fetch *)(uintptr_t)tag;
    char *text = kit_copy(message);

    if (status == SESAME_OK)
        token_answer_complete(fetch, answer);
    else
        token_fail(fetch, status, status == SESAME_TIMED_OUT ? "ReadTimeOut" : "",
                   text == NULL ? "" : text);
    instance->secret->free(instance->kit.host, answer);
    free(text);
    free_fetch(fetch);
}

static struct sesame_http_field field(const char *name, struct sesame_text value, uint64_t secret)
{
    return (struct sesame_http_field){
        .name = kit_text(name),
        .value = value,
        .secret = secret,
        .kind = secret == 0 ? SESAME_FIELD_PLAIN : SESAME_FIELD_SECRET,
    };
}

static size_t fill_form(const struct sesame_instance *instance,
                        const struct sesame_token_request *request, uint64_t assertion,
                        struct sesame_http_field *form)
{
    const struct sesame_text none = {NULL, 0};
    bool is_exchange = request->subject_token != 0;
    size_t count = 0;

    form[count++] = field("client_id", kit_text(instance->client_id), 0);
    form[count++] =
        field("grant_type", kit_text(is_exchange ? GRANT_EXCHANGE : "client_credentials"), 0);
    form[count++] = field("scope", request->scope, 0);
    if (is_exchange) {
        form[count++] = field("subject_token", none, request->subject_token);
        form[count++] = field("subject_token_type", kit_text(TYPE_ACCESS_TOKEN), 0);
        form[count++] = field("requested_token_type", kit_text(TYPE_ACCESS_TOKEN), 0);
    }
    if (instance->method == METHOD_POST)
        form[count++] = field("client_secret", none, instance->client_secret);
    if (instance->method == METHOD_JWT) {
        form[count++] = field("client_assertion_type", kit_text(ASSERTION_TYPE), 0);
        form[count++] = field("client_assertion", none, assertion);
    }
    return count;
}

static int32_t send_request(struct fetch *fetch, const struct sesame_token_request *request,
                            uint64_t assertion)
{
    static const struct sesame_http_events events = {on_head, NULL, on_done};
    struct sesame_instance *instance = fetch->instance;
    const struct kit *kit = &instance->kit;
    struct sesame_http_field form[FIELD_MAX_COUNT + 2];
    struct sesame_http_field basic = {.name = kit_text("Authorization"),
                                      .value = kit_text(instance->client_id),
                                      .secret = instance->client_secret,
                                      .kind = SESAME_FIELD_BASIC};
    struct sesame_http_request http = {
        .method = kit_text("POST"),
        .url = kit_text(instance->token_endpoint),
        .headers = &basic,
        .header_count = instance->method == METHOD_BASIC ? 1 : 0,
        .form = form,
        .form_count = fill_form(instance, request, assertion, form),
        .deadline_ms = kit->clock->monotonic_ms(kit->host) + instance->timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .flags = SESAME_HTTP_SECRET_ANSWER,
    };

    if (request->deadline_ms > 0 && request->deadline_ms < http.deadline_ms)
        http.deadline_ms = request->deadline_ms;
    return instance->http->start(kit->host, &http, &events, (uint64_t)(uintptr_t)fetch,
                                 &fetch->http);
}

static void fetch_token(struct sesame_instance *instance, uint64_t call,
                        const struct sesame_token_request *request)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    struct fetch refused = {.instance = instance, .call = call, .retry_after_ms = -1};
    uint64_t assertion = 0;
    int32_t status;

    if (fetch == NULL || (fetch->scope = kit_copy(request->scope)) == NULL) {
        free(fetch);
        token_fail(&refused, SESAME_INTERNAL, "", "no memory for a token request");
        return;
    }
    fetch->instance = instance;
    fetch->call = call;
    fetch->retry_after_ms = -1;
    fetch->next = instance->fetches;
    instance->fetches = fetch;
    if (instance->method == METHOD_JWT)
        assertion = assertion_make(instance);
    status = instance->method == METHOD_JWT && assertion == 0
                 ? SESAME_INTERNAL
                 : send_request(fetch, request, assertion);
    instance->secret->free(instance->kit.host, assertion);
    if (status == SESAME_OK)
        return;
    token_fail(fetch, status, "", "the token request could not be sent");
    free_fetch(fetch);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    for (struct fetch *fetch = instance->fetches; fetch != NULL; fetch = fetch->next)
        if (fetch->call == call) {
            instance->http->cancel(instance->kit.host, fetch->http);
            return;
        }
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    while (instance->fetches != NULL)
        free_fetch(instance->fetches);
    free(instance->client_id);
    free(instance->token_endpoint);
    free(instance);
}

static bool open_services(struct sesame_instance *instance, const struct sesame_host *host)
{
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->secret = host->get_service(host, SESAME_SECRET_V1);
    instance->sign = host->get_service(host, SESAME_SIGN_V1);
    instance->random = host->get_service(host, SESAME_RANDOM_V1);
    instance->completion = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    return kit_open(&instance->kit, host) && instance->http != NULL && instance->secret != NULL &&
           instance->sign != NULL && instance->random != NULL && instance->completion != NULL;
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->kit;
    char *method = kit_get_string(kit, config, "/authnConfiguration/authnMethod");
    int64_t connect_ms = 5000, read_ms = 10000;

    if (method == NULL)
        return false;
    instance->method = strcmp(method, "CLIENT_SECRET_POST") == 0  ? METHOD_POST
                       : strcmp(method, "CLIENT_SECRET_JWT") == 0 ? METHOD_JWT
                                                                  : METHOD_BASIC;
    free(method);
    instance->client_id = kit_get_string(kit, config, "/clientId");
    instance->token_endpoint = kit_get_string(kit, config, "/tokenEndpoint");
    (void)kit_get_int(kit, config, "/httpConfiguration/connectTimeout", &connect_ms);
    (void)kit_get_int(kit, config, "/httpConfiguration/readTimeout", &read_ms);
    instance->timeout_ms = connect_ms + read_ms;
    return instance->client_id != NULL && instance->token_endpoint != NULL;
}

static int32_t open_secret(struct sesame_instance *instance)
{
    const struct sesame_host *host = instance->kit.host;
    struct sesame_text message = {NULL, 0};
    int32_t status = instance->secret->from_config(
        host, kit_text("/authnConfiguration/clientSecretEnvVarName"), &instance->client_secret);

    if (status != SESAME_OK) {
        instance->kit.log->explain(host, kit_text("ClientSecretNotFound: the environment variable "
                                                  "that authnConfiguration.clientSecretEnvVarName "
                                                  "names (the client secret of the agent) is not "
                                                  "set or empty"));
        return status;
    }
    if (instance->method != METHOD_JWT)
        return SESAME_OK;
    status = instance->sign->key_open(host, kit_text("hmac"), instance->client_secret, 0,
                                      &instance->key, &message);
    if (status != SESAME_OK)
        instance->kit.log->explain(host, message);
    return status;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (open_services(instance, host) && read_config(instance, config))
        status = open_secret(instance);
    if (status == SESAME_OK)
        *out_instance = instance;
    else
        destroy(instance);
    return status;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 provider = {fetch_token, cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &provider : NULL;
}

static const char *const needs[] = {SESAME_LOG_V1,
                                    SESAME_JSON_V1,
                                    SESAME_CLOCK_V1,
                                    SESAME_RANDOM_V1,
                                    SESAME_HTTP_V1,
                                    SESAME_SECRET_V1,
                                    SESAME_SIGN_V1,
                                    SESAME_CREDENTIAL_PROVIDER_HOST_V1,
                                    NULL};
static const char *const offers[] = {SESAME_CREDENTIAL_PROVIDER_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "client-secret",
    .version = PACKAGE_VERSION,
    .description = "Tokens from IDaaS with a client secret",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
