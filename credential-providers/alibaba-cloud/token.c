/* One token: GenerateOauthToken of the EIAM OpenAPI (version 2021-12-01), as the agent or on behalf
 * of a user. */
#include "alibaba.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX_COUNT 128
#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

struct token_fetch {
    struct chain_wait wait; /* first: a wait is found back by its address */
    struct token_fetch *next;
    struct sesame_instance *instance;
    uint64_t handle;
    uint64_t subject; /* the host's, until the completion */
    char *audience;
    char *values; /* blank-separated */
    int64_t deadline_ms;
    struct call call;
    char hash[65];
    bool has_retried;
    bool is_over; /* completed; what still comes is not told any more */
};

/* ---- ends ------------------------------------------------------------------------------------ */

static void free_fetch(struct token_fetch *fetch)
{
    struct token_fetch **link = &fetch->instance->fetches;

    while (*link != fetch)
        link = &(*link)->next;
    *link = fetch->next;
    free(fetch->audience);
    free(fetch->values);
    free(fetch);
}

static void complete(struct token_fetch *fetch, int32_t status, uint64_t token,
                     const struct kit_buffer *data)
{
    const struct sesame_instance *instance = fetch->instance;
    struct sesame_token_result result = {.token = token};

    if (!data->has_failed)
        result.data = kit_buffer_text(data);
    if (!fetch->is_over)
        (void)instance->completion->complete(instance->kit.host, fetch->handle, status, &result);
    fetch->is_over = true;
}

/* Completes with a failure. `fetch` stays. */
static void fail(struct token_fetch *fetch, int32_t status, const char *code, const char *message,
                 const char *request_id)
{
    const struct kit *kit = &fetch->instance->kit;
    struct kit_buffer data = {0};

    kit_add(&data, "{\"code\":");
    kit_add_quoted(kit, &data, kit_text(code));
    kit_add(&data, ",\"message\":");
    kit_add_quoted(kit, &data, kit_text(message));
    if (request_id != NULL) {
        kit_add(&data, ",\"request_id\":");
        kit_add_quoted(kit, &data, kit_text(request_id));
    }
    if (fetch->call.retry_after_ms >= 0) {
        kit_add(&data, ",\"retry_after_ms\":");
        kit_add_number(&data, fetch->call.retry_after_ms);
    }
    kit_add(&data, "}");
    complete(fetch, status, 0, &data);
    kit_clear(&data);
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* By code, never by status alone: the same code has another status on another product. */
static int32_t status_of(const char *code, int http_status)
{
    if (strstr(code, "Throttling") != NULL || http_status == 429)
        return SESAME_RATE_LIMITED;
    if (http_status >= 500 || http_status == 408 || strcmp(code, "InternalError") == 0 ||
        strcmp(code, "ServiceUnavailable") == 0)
        return SESAME_UNAVAILABLE;
    return SESAME_DENIED;
}

static void explain_denied(const struct token_fetch *fetch, char *out, size_t size)
{
    /* Cutting is fine everywhere here: it is for people. */
    (void)snprintf(out, size,
                   "the RAM role or user lacks the permission: allow eiam:GenerateOauthToken on "
                   "acs:eiam:*:*:instance/%.60s/application/%.60s",
                   fetch->instance->instance_id, fetch->instance->application_id);
}

static void explain_clock(const struct token_fetch *fetch, char *out, size_t size)
{
    char now[21];

    time_format(time_now_s(fetch->instance), now);
    (void)snprintf(out, size, "this machine's clock says %s, the service's %s: set the clock", now,
                   fetch->call.date[0] == '\0' ? "is unknown" : fetch->call.date);
}

/* What to do about the codes that people meet; "" for others. */
static void explain(const struct token_fetch *fetch, const struct api_error *error, char *out,
                    size_t size)
{
    const char *code = error->code == NULL ? "" : error->code, *text = "";

    out[0] = '\0';
    if (strcmp(code, "Forbidden") == 0 || strcmp(code, "NoPermission") == 0 ||
        strncmp(code, "Forbidden.", 10) == 0) {
        explain_denied(fetch, out, size);
        return;
    }
    if (strncmp(code, "InvalidTimeStamp", 16) == 0) {
        explain_clock(fetch, out, size);
        return;
    }
    if (strcmp(code, "SignatureDoesNotMatch") == 0)
        text = error->message != NULL && strstr(error->message, fetch->hash) != NULL
                   ? "the access key secret does not belong to the access key id"
                   : "the service computed another signature";
    else if (strncmp(code, "InvalidAccessKeyId", 18) == 0)
        text = "the access key does not exist or is disabled";
    else if (strcmp(code, "InvalidSecurityToken.Expired") == 0)
        text = "the STS token has expired, and its source gives no fresher one";
    else if (strncmp(code, "InvalidSecurityToken", 20) == 0 ||
             strcmp(code, "MissingSecurityToken") == 0)
        text = "the STS token does not belong to the access key, or is missing";
    else if (strcmp(code, "InvalidProduct.NotFound") == 0 ||
             strcmp(code, "InvalidApi.NotFound") == 0)
        text = "openApiEndpoint is not the endpoint of IDaaS (EIAM) for the region";
    (void)snprintf(out, size, "%s", text);
}

static void refuse(struct token_fetch *fetch, const struct api_error *error)
{
    const char *code = error->code == NULL ? "" : error->code;
    char hint[240], message[600];

    explain(fetch, error, hint, sizeof hint);
    if (error->code == NULL)
        (void)snprintf(message, sizeof message,
                       "GenerateOauthToken: HTTP %d, and the answer is not understood",
                       fetch->call.http_status);
    else
        (void)snprintf(message, sizeof message, "GenerateOauthToken: %s%sHTTP %d %.60s: %.200s",
                       hint, hint[0] == '\0' ? "" : ": ", fetch->call.http_status, code,
                       error->message == NULL ? "no message" : error->message);
    fail(fetch, status_of(code, fetch->call.http_status), code, message, error->request_id);
}

/* Two refusals are worth one more try: with a fresh key, and with a fresh nonce. */
static bool try_again(struct token_fetch *fetch, const char *code)
{
    if (fetch->has_retried || fetch->is_over || code == NULL)
        return false;
    if (strcmp(code, "InvalidSecurityToken.Expired") == 0)
        chain_expired(fetch->instance);
    else if (strcmp(code, "SignatureNonceUsed") != 0)
        return false;
    fetch->has_retried = true;
    chain_get(fetch->instance, &fetch->wait);
    return true;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void give(struct token_fetch *fetch, uint64_t answer, uint64_t token)
{
    const struct sesame_instance *instance = fetch->instance;
    int64_t expires_in_s = answer_integer(instance, answer, "/TokenResponse/ExpiresIn");
    int64_t expires_at_s = answer_integer(instance, answer, "/TokenResponse/ExpiresAt");
    struct kit_buffer data = {0};

    kit_add(&data, "{");
    if (expires_in_s >= 0) {
        kit_add(&data, "\"expires_in_s\":");
        kit_add_number(&data, expires_in_s);
    }
    if (expires_at_s >= 0) {
        kit_add(&data, expires_in_s >= 0 ? ",\"expires_at_s\":" : "\"expires_at_s\":");
        kit_add_number(&data, expires_at_s);
    }
    kit_add(&data, "}");
    if (fetch->is_over)
        instance->secret->free(instance->kit.host, token);
    complete(fetch, SESAME_OK, token, &data);
    kit_clear(&data);
}

static void read_token(struct token_fetch *fetch, uint64_t answer)
{
    const struct sesame_instance *instance = fetch->instance;
    char *type = answer_text(instance, answer, "/TokenResponse/TokenType", NULL);
    uint64_t token = 0;

    if (type != NULL && !kit_equal_nocase(kit_text(type), "bearer"))
        fail(fetch, SESAME_UNAVAILABLE, "invalid_token_type",
             "GenerateOauthToken: the token is of another type than Bearer", NULL);
    else if (!answer_has(instance, answer, "/TokenResponse/AccessToken") ||
             instance->secret->json_take(instance->kit.host, answer,
                                         kit_text("/TokenResponse/AccessToken"),
                                         &token) != SESAME_OK)
        fail(fetch, SESAME_UNAVAILABLE, "invalid_answer",
             "GenerateOauthToken: the answer has no TokenResponse.AccessToken, or is not JSON",
             NULL);
    else
        give(fetch, answer, token);
    free(type);
}

static void on_answer(struct call *call, int32_t status, struct sesame_text message,
                      uint64_t answer)
{
    struct token_fetch *fetch = call->owner;
    struct api_error error = {0};
    char *text;

    if (status != SESAME_OK) {
        text = kit_copy(message);
        fail(fetch, status, status == SESAME_TIMED_OUT ? "ReadTimeOut" : "",
             text == NULL ? "" : text, NULL);
        free(text);
    } else if (call->http_status >= 200 && call->http_status <= 299) {
        read_token(fetch, answer);
    } else {
        bool is_retried;

        api_error_read(call, answer, &error);
        is_retried = try_again(fetch, error.code);
        if (!is_retried)
            refuse(fetch, &error);
        api_error_clear(&error);
        if (is_retried)
            return;
    }
    free_fetch(fetch);
}

/* ---- the request ----------------------------------------------------------------------------- */

static struct sesame_http_field pair(const char *name, struct sesame_text value)
{
    return (struct sesame_http_field){.name = kit_text(name), .value = value};
}

/* "ScopeValues.1", ...; `names` is what the fields borrow. The values came sorted and without
 * repeats. */
static size_t add_scopes(const char *values, char (*names)[24], struct sesame_http_field *query,
                         size_t capacity)
{
    size_t count = 0;

    while (*values != '\0' && count < capacity) {
        size_t len = strcspn(values, " ");

        if (len > 0) {
            (void)snprintf(names[count], sizeof names[count], "ScopeValues.%zu", count + 1);
            query[count] = pair(names[count], (struct sesame_text){values, len});
            count++;
        }
        values += len + (values[len] == ' ' ? 1 : 0);
    }
    return *values == '\0' ? count : 0;
}

static bool send_request(struct token_fetch *fetch, const struct credentials *credentials)
{
    struct sesame_instance *instance = fetch->instance;
    const struct kit *kit = &instance->kit;
    int64_t left_ms = fetch->deadline_ms - kit->clock->monotonic_ms(kit->host);
    struct sesame_http_field query[QUERY_MAX_COUNT];
    char names[QUERY_MAX_COUNT][24];
    struct rpc rpc = {.endpoint = instance->endpoint,
                      .action = "GenerateOauthToken",
                      .version = "2021-12-01",
                      .query = query,
                      .credentials = credentials};

    rpc.query_count = add_scopes(fetch->values, names, query, QUERY_MAX_COUNT - 8);
    query[rpc.query_count++] = pair("ApplicationId", kit_text(instance->application_id));
    query[rpc.query_count++] = pair("Audience", kit_text(fetch->audience));
    query[rpc.query_count++] = pair("InstanceId", kit_text(instance->instance_id));
    if (fetch->subject != 0) {
        query[rpc.query_count++] = pair("GrantType", kit_text(GRANT_EXCHANGE));
        query[rpc.query_count] = pair("SubjectToken", (struct sesame_text){NULL, 0});
        query[rpc.query_count].kind = SESAME_FIELD_SECRET;
        query[rpc.query_count++].secret = fetch->subject;
        query[rpc.query_count++] = pair("SubjectTokenType", kit_text(TYPE_ACCESS_TOKEN));
        query[rpc.query_count++] = pair("RequestedTokenType", kit_text(TYPE_ACCESS_TOKEN));
    }
    rpc.timeout_ms = left_ms < instance->timeout_ms ? left_ms : instance->timeout_ms;
    return rpc_start(&fetch->call, &rpc, fetch->hash);
}

static void on_key(struct chain_wait *wait, const struct credentials *credentials,
                   const char *reason)
{
    struct token_fetch *fetch = (struct token_fetch *)wait;
    char message[500];

    if (credentials == NULL) {
        (void)snprintf(message, sizeof message, "no access key: %s", reason);
        fail(fetch, SESAME_UNAVAILABLE, "NoAlibabaCloudCredentials", message, NULL);
    } else if (send_request(fetch, credentials)) {
        return;
    } else {
        fail(fetch, SESAME_UNAVAILABLE, "", "GenerateOauthToken could not be sent", NULL);
    }
    free_fetch(fetch);
}

/* ---- begin, cancel --------------------------------------------------------------------------- */

static struct token_fetch *new_fetch(struct sesame_instance *instance, uint64_t call,
                                     const struct sesame_token_request *request)
{
    const struct kit *kit = &instance->kit;
    struct token_fetch *fetch = calloc(1, sizeof *fetch);

    if (fetch == NULL)
        return NULL;
    fetch->wait.on_ready = on_key;
    fetch->instance = instance;
    fetch->handle = call;
    fetch->subject = request->subject_token;
    fetch->audience = kit_copy(request->audience);
    fetch->values = kit_copy(request->values);
    fetch->deadline_ms = request->deadline_ms > 0
                             ? request->deadline_ms
                             : kit->clock->monotonic_ms(kit->host) + instance->timeout_ms;
    fetch->call = (struct call){
        .instance = instance, .owner = fetch, .on_answer = on_answer, .retry_after_ms = -1};
    fetch->next = instance->fetches;
    instance->fetches = fetch;
    return fetch;
}

void token_begin(struct sesame_instance *instance, uint64_t call,
                 const struct sesame_token_request *request)
{
    struct token_fetch *fetch = new_fetch(instance, call, request);

    if (fetch == NULL) {
        (void)instance->completion->complete(instance->kit.host, call, SESAME_INTERNAL,
                                             &(struct sesame_token_result){0});
    } else if (fetch->audience == NULL || fetch->values == NULL) {
        fail(fetch, SESAME_INTERNAL, "", "no memory for a token request", NULL);
        free_fetch(fetch);
    } else if (fetch->audience[0] == '\0' || fetch->values[0] == '\0') {
        fail(fetch, SESAME_BAD_INPUT, "InvalidScope",
             "the scope is empty: write \"audience|value\"", NULL);
        free_fetch(fetch);
    } else {
        chain_get(instance, &fetch->wait);
    }
}

void token_cancel(struct sesame_instance *instance, uint64_t call)
{
    struct token_fetch *fetch = instance->fetches;

    while (fetch != NULL && fetch->handle != call)
        fetch = fetch->next;
    if (fetch == NULL || fetch->is_over)
        return;
    fail(fetch, SESAME_CANCELLED, "", "cancelled", NULL);
    if (fetch->wait.is_waiting) {
        chain_forget(instance, &fetch->wait);
        free_fetch(fetch);
    } else {
        call_cancel(&fetch->call);
    }
}

void token_free_all(struct sesame_instance *instance)
{
    while (instance->fetches != NULL)
        free_fetch(instance->fetches);
}
