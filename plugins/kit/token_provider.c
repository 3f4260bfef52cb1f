/* What credential providers share that ask a token endpoint: the services they use, where they ask,
 * and the tokens being fetched. */
#include "plugins/kit/token_provider.h"

#include "plugins/kit/http_date.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES (64 * 1024)
#define RETRY_AFTER_MAX_S 86400

const char *const token_provider_needs[] = {SESAME_LOG_V1,
                                            SESAME_JSON_V1,
                                            SESAME_CLOCK_V1,
                                            SESAME_RANDOM_V1,
                                            SESAME_HTTP_V1,
                                            SESAME_SECRET_V1,
                                            SESAME_SIGN_V1,
                                            SESAME_CREDENTIAL_PROVIDER_HOST_V1,
                                            NULL};

/* ---- the provider ---------------------------------------------------------------------------- */

bool token_provider_open(struct token_provider *provider, const struct sesame_host *host)
{
    provider->http = host->get_service(host, SESAME_HTTP_V1);
    provider->secret = host->get_service(host, SESAME_SECRET_V1);
    provider->sign = host->get_service(host, SESAME_SIGN_V1);
    provider->random = host->get_service(host, SESAME_RANDOM_V1);
    provider->completion = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    return kit_open(&provider->kit, host) && provider->http != NULL && provider->secret != NULL &&
           provider->sign != NULL && provider->random != NULL && provider->completion != NULL;
}

static void free_texts(struct token_fetch *fetch)
{
    free(fetch->scope);
    free(fetch->audience);
    free(fetch->values);
}

static void free_fetch(struct token_fetch *fetch)
{
    struct token_fetch **link = &fetch->provider->fetches;

    while (*link != fetch)
        link = &(*link)->next;
    *link = fetch->next;
    free_texts(fetch);
    free(fetch);
}

void token_provider_close(struct token_provider *provider)
{
    while (provider->fetches != NULL)
        free_fetch(provider->fetches);
    free(provider->client_id);
    free(provider->token_endpoint);
}

void token_provider_cancel(struct token_provider *provider, uint64_t call)
{
    for (struct token_fetch *fetch = provider->fetches; fetch != NULL; fetch = fetch->next)
        if (fetch->call == call) {
            if (fetch->http != 0)
                provider->http->cancel(provider->kit.host, fetch->http);
            else if (fetch->is_waiting)
                token_fetch_fail(fetch, SESAME_CANCELLED, "", "cancelled");
            return;
        }
}

int32_t token_provider_explain(const struct token_provider *provider, int32_t status,
                               const char *message)
{
    provider->kit.log->explain(provider->kit.host, kit_text(message));
    return status;
}

/* ---- a fetch and its end --------------------------------------------------------------------- */

struct token_fetch *token_fetch_start(struct token_provider *provider, uint64_t call,
                                      const struct sesame_token_request *request)
{
    const struct sesame_token_result no_memory = {
        .data = kit_text("{\"message\":\"no memory for a token request\"}")};
    struct token_fetch *fetch = calloc(1, sizeof *fetch);

    if (fetch != NULL) {
        fetch->scope = kit_copy(request->scope);
        fetch->audience = kit_copy(request->audience);
        fetch->values = kit_copy(request->values);
    }
    if (fetch == NULL || fetch->scope == NULL || fetch->audience == NULL || fetch->values == NULL) {
        if (fetch != NULL)
            free_texts(fetch);
        free(fetch);
        (void)provider->completion->complete(provider->kit.host, call, SESAME_INTERNAL, &no_memory);
        return NULL;
    }
    fetch->provider = provider;
    fetch->call = call;
    fetch->subject_token = request->subject_token;
    fetch->deadline_ms = request->deadline_ms;
    fetch->next = provider->fetches;
    provider->fetches = fetch;
    return fetch;
}

void token_fetch_complete(struct token_fetch *fetch, int32_t status, uint64_t token,
                          const struct kit_buffer *data)
{
    const struct token_provider *provider = fetch->provider;
    struct sesame_token_result result = {.token = token};

    if (token != 0)
        result.binding = fetch->binding;
    if (!data->has_failed)
        result.data = kit_buffer_text(data);
    (void)provider->completion->complete(provider->kit.host, fetch->call, status, &result);
    free_fetch(fetch);
}

void token_fetch_fail(struct token_fetch *fetch, int32_t status, const char *code,
                      const char *message)
{
    const struct kit *kit = &fetch->provider->kit;
    struct kit_buffer data = {0};

    kit_add(&data, "{\"code\":");
    kit_add_quoted(kit, &data, kit_text(code));
    kit_add(&data, ",\"message\":");
    kit_add_quoted(kit, &data, kit_text(message));
    kit_add(&data, "}");
    token_fetch_complete(fetch, status, 0, &data);
    kit_clear(&data);
}

void token_fetch_fail_reply(struct token_fetch *fetch, const struct token_reply *reply)
{
    bool is_late = reply->status == SESAME_TIMED_OUT;
    char message[400];

    /* Cutting the host's own message is fine. */
    if (is_late)
        (void)snprintf(message, sizeof message, "%s did not answer in time (%" PRId64 " ms): %s",
                       fetch->provider->server, fetch->provider->timeout_ms, reply->message);
    else
        (void)snprintf(message, sizeof message, "%s", reply->message);
    token_fetch_fail(fetch, reply->status, is_late ? "ReadTimeOut" : "", message);
}

/* ---- a request ------------------------------------------------------------------------------- */

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct token_reply *reply = &((struct token_fetch *)(uintptr_t)tag)->reply;

    (void)instance;
    reply->http_status = http_status;
    for (size_t i = 0; i < header_count; i++) {
        int64_t seconds;

        if (kit_equal_nocase(headers[i].name, "retry-after") &&
            kit_parse_int(headers[i].value, &seconds) && seconds >= 0 &&
            seconds < RETRY_AFTER_MAX_S)
            reply->retry_after_ms = seconds * 1000;
        if (kit_equal_nocase(headers[i].name, "date"))
            reply->server_time_s = http_date_parse(headers[i].value);
    }
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct token_fetch *fetch = (struct token_fetch *)(uintptr_t)tag;
    struct token_provider *provider = fetch->provider;
    struct token_reply reply = fetch->reply;
    char *text = kit_copy(message);

    reply.status = status;
    reply.answer = answer;
    reply.message = text == NULL ? "" : text;
    fetch->http = 0;
    if (status == SESAME_CANCELLED)
        token_fetch_fail(fetch, status, "", "cancelled");
    else
        fetch->then(instance, fetch, &reply);
    provider->secret->free(provider->kit.host, answer);
    free(text);
}

void token_fetch_call(struct token_fetch *fetch, struct sesame_http_request *http,
                      token_then_fn *then)
{
    static const struct sesame_http_events events = {on_head, NULL, on_done};
    const struct token_provider *provider = fetch->provider;
    const struct kit *kit = &provider->kit;
    int32_t status;

    if (http->deadline_ms == 0)
        http->deadline_ms = kit->clock->monotonic_ms(kit->host) + provider->timeout_ms;
    if (fetch->deadline_ms > 0 && fetch->deadline_ms < http->deadline_ms)
        http->deadline_ms = fetch->deadline_ms;
    http->answer_max_bytes = ANSWER_MAX_BYTES;
    http->flags |= SESAME_HTTP_SECRET_ANSWER;
    http->binding = fetch->binding;
    fetch->requests++;
    fetch->then = then;
    fetch->reply = (struct token_reply){.retry_after_ms = -1, .server_time_s = -1};
    status =
        provider->http->start(kit->host, http, &events, (uint64_t)(uintptr_t)fetch, &fetch->http);
    if (status != SESAME_OK)
        token_fetch_fail(fetch, status, "",
                         "the token request could not be sent; the log says why");
}
