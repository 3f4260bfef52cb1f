/* One question to the credential vault, the IDaaS DeveloperAPI (2022-02-25). */
#include "credential/vault.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/http_client.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX_BYTES (64 * 1024)
#define BODY_MAX_BYTES (64 * 1024)
#define CONSENT_REQUIRED "ConsentRequired"
#define CONSENT_TEXT "the user must first consent and then ask again: "

static const struct operation {
    const char *action;
    const char *path;  /* behind the instance */
    const char *value; /* where the secret is in the answer */
    const char *what;
    const char *not_found; /* the error's name when it is not there */
} operations[] = {
    [VAULT_API_KEY] = {"ObtainCredential", "/credentials/_/actions/obtain?credentialIdentifier=",
                       "/credentialContent/apiKeyContent/apiKey", "an API key", "ApiKeyNotFound"},
    [VAULT_OAUTH_TOKEN] = {"FetchOAuthAuthenticationToken",
                           "/authenticationTokens/_/actions/fetchOAuthAccessToken",
                           "/oauthAccessTokenContent/accessTokenValue", "an OAuth token",
                           "OAuthTokenNotFound"},
    [VAULT_JWT] = {"GenerateJwtAuthenticationToken", "/authenticationTokens/_/actions/generateJwt",
                   "/jwtContent/jwtValue", "a JWT", "JwtNotFound"},
};

struct vault_call {
    struct http_call *call;
    vault_done_fn *done;
    void *arg;
    enum vault_question question;
    bool wants_short_token;
    char *identifier;
    int64_t retry_after_ms;
    int64_t wall_s;
};

/* ---- the answer ------------------------------------------------------------------------------ */

/* A short text member that is no secret, for messages: cut, and only if it is plain. */
static void read_text(struct slice json, const char *pointer, char *out, size_t out_size)
{
    const char *value;
    size_t len;
    struct error ignored = {0};
    struct buffer text;

    out[0] = '\0';
    if (json.len == 0 || !json_find(json.data, json.len, pointer, &value, &len) || len < 2 ||
        value[0] != '"')
        return;
    buffer_init(&text, 4096);
    if (json_unescape(value, len, &text, &ignored)) {
        size_t cut = utf8_prefix(text.data == NULL ? "" : text.data, text.len, out_size - 1);

        if (cut > 0)
            memcpy(out, text.data, cut);
        out[cut] = '\0';
        for (char *c = out; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20)
                *c = ' ';
    }
    buffer_wipe(&text);
}

/* Both error shapes of the vendor: {"Code","Message","RequestId"} and the OAuth one. */
static void explain_refusal(const struct vault_call *call, int status, struct slice json,
                            struct error *err)
{
    static const char *const code_pointers[] = {"/error", "/Code", "/code"};
    static const char *const message_pointers[] = {"/error_description", "/Message", "/message"};
    static const char *const id_pointers[] = {"/request_id", "/RequestId", "/requestId"};
    char code[48] = "", message[160] = "", request_id[80] = "";
    enum error_code kind = ERROR_UPSTREAM;

    for (size_t i = 0; i < 3; i++) {
        if (code[0] == '\0')
            read_text(json, code_pointers[i], code, sizeof code);
        if (message[0] == '\0')
            read_text(json, message_pointers[i], message, sizeof message);
        if (request_id[0] == '\0')
            read_text(json, id_pointers[i], request_id, sizeof request_id);
    }
    if (status == 404)
        kind = ERROR_NOT_FOUND;
    else if (status == 429)
        kind = ERROR_RATE_LIMIT;
    else if (status >= 400 && status < 500 && status != 408)
        kind = ERROR_DENIED;
    error_set_named(err, kind, status == 404 ? operations[call->question].not_found : code,
                    "the vault did not give the credential \"%s\": HTTP %d%s%s%s%s%s%s",
                    call->identifier, status, code[0] == '\0' ? "" : " ", code,
                    message[0] == '\0' ? "" : ": ", message,
                    request_id[0] == '\0' ? "" : ", request id ", request_id);
}

static bool is_clean(const struct secret *value)
{
    size_t len;
    const char *bytes = secret_borrow(value, &len);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}

/* Times of the vault are milliseconds; -1 when it names none. */
static int64_t read_expiry(struct slice json)
{
    const char *value;
    size_t len;
    int64_t at_ms;

    return json_find(json.data, json.len, "/expirationTime", &value, &len) &&
                   parse_int64(value, len, &at_ms) && at_ms >= 0
               ? at_ms / 1000
               : -1;
}

/* The 3-legged flow (idaas.md 4.2): a session in place of the token. */
static bool needs_consent(const struct vault_call *call, struct slice json, struct error *err)
{
    char link[VAULT_LINK_SIZE];

    read_text(json, "/oauthAuthorizationSession/authorizationUrl", link, sizeof link);
    if (call->question != VAULT_OAUTH_TOKEN || link[0] == '\0')
        return false;
    if (strlen(link) == sizeof link - 1) /* cut, perhaps */
        error_set(err, ERROR_LIMIT, "the vault's link to consent is longer than %zu characters",
                  sizeof link - 2);
    else
        error_set_named(err, ERROR_DENIED, CONSENT_REQUIRED, CONSENT_TEXT "%s", link);
    return true;
}

static const char *value_pointer(const struct vault_call *call)
{
    return call->wants_short_token ? "/jwtContent/derivedShortToken"
                                   : operations[call->question].value;
}

static struct secret *read_value(const struct vault_call *call, struct slice json,
                                 struct error *err)
{
    const struct operation *operation = &operations[call->question];
    CLEANUP(secret_cleanup) struct secret *value = NULL;
    char type[48], status[32];
    struct error why = {0};

    read_text(json, "/credentialType", type, sizeof type);
    read_text(json, "/status", status, sizeof status);
    if (status[0] != '\0' && strcmp(status, "enabled") != 0) {
        error_set_named(err, ERROR_DENIED, "ApiKeyDisabled",
                        "the credential \"%s\" is %s in the vault, not enabled", call->identifier,
                        status);
        return NULL;
    }
    if (!json_take_secret(json.data, json.len, value_pointer(call), &value, &why)) {
        if (!needs_consent(call, json, err))
            error_set_named(err, why.code == ERROR_LIMIT ? ERROR_LIMIT : ERROR_NOT_FOUND,
                            operation->not_found,
                            "the credential \"%s\" is not %s (its type is %s)", call->identifier,
                            operation->what, type[0] == '\0' ? "not given" : type);
        return NULL;
    }
    if (!is_clean(value)) {
        error_set_named(
            err, ERROR_DENIED, "ApiKeyNotValid",
            "the credential \"%s\" holds control characters: enter it anew in the vault",
            call->identifier);
        return NULL;
    }
    return TAKE(value);
}

static struct secret *read_answer(const struct vault_call *call, int http_status,
                                  const struct secret *answer, int64_t *out_expires_at_s,
                                  struct error *err)
{
    struct slice json = {NULL, 0};
    struct error why = {0};

    if (answer != NULL)
        json.data = secret_borrow(answer, &json.len);
    if (json.len > 0 && !json_check(json.data, json.len, JSON_DEPTH_DEFAULT, &why))
        json.len = 0;
    if (http_status < 200 || http_status > 299) {
        explain_refusal(call, http_status, json, err);
        return NULL;
    }
    if (json.len == 0) {
        error_set(err, ERROR_UPSTREAM, "the vault's answer for \"%s\" is no JSON: %s",
                  call->identifier, why.code == ERROR_NONE ? "it is empty" : why.message);
        return NULL;
    }
    *out_expires_at_s = read_expiry(json);
    return read_value(call, json, err);
}

/* ---- the request ----------------------------------------------------------------------------- */

static void free_call(struct vault_call *call)
{
    free(call->identifier);
    free(call);
}

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct vault_call *call = arg;

    (void)status;
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(headers[i].name, "retry-after"))
            call->retry_after_ms = http_retry_after_ms(headers[i].value, call->wall_s);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct vault_call *call = arg;
    CLEANUP(secret_cleanup) struct secret *value = NULL;
    struct vault_answer given = {.expires_at_s = -1};
    struct error why = {0};

    if (err == NULL)
        value = given.value = read_answer(call, status, answer, &given.expires_at_s, &why);
    call->done(call->arg, value == NULL ? NULL : &given, status,
               err != NULL     ? err
               : value == NULL ? &why
                               : NULL,
               call->retry_after_ms);
    free_call(call);
}

static bool build_url(const struct vault_request *request, struct buffer *url, struct error *err)
{
    return buffer_add_text(url, request->endpoint, err) && buffer_add_text(url, "/v2/", err) &&
           percent_encode(request->instance_id, strlen(request->instance_id), url, err) &&
           buffer_add_text(url, operations[request->question].path, err) &&
           (request->question != VAULT_API_KEY ||
            percent_encode(request->identifier, strlen(request->identifier), url, err));
}

/* Nothing in it is secret. */
static bool build_body(struct vault_call *call, const struct vault_request *request,
                       struct buffer *body, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *members = NULL;

    if (request->question == VAULT_API_KEY)
        return true;
    members =
        json_parse(request->request_json, strlen(request->request_json), JSON_DEPTH_DEFAULT, err);
    if (members == NULL)
        return false;
    json_object_object_add(members, "credentialProviderIdentifier",
                           json_object_new_string(request->identifier));
    if (request->question == VAULT_OAUTH_TOKEN && request->scope[0] != '\0')
        json_object_object_add(members, "scope", json_object_new_string(request->scope));
    if (request->question == VAULT_JWT && json_get_string(members, "subject", NULL) == NULL)
        json_object_object_add(members, "subject", json_object_new_string(request->user));
    (void)json_get_bool(members, "includeDerivedShortToken", &call->wants_short_token);
    return json_add_value(body, members, err);
}

static void format_date(int64_t wall_s, char out[40])
{
    time_t seconds = (time_t)wall_s;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    /* 29 characters in the C locale, which is the process's. */
    (void)strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static bool send_request(struct vault_call *call, struct http_client *client,
                         const struct vault_request *request, struct error *err)
{
    static const struct http_call_events events = {.on_head = on_head, .on_done = on_done};
    CLEANUP(buffer_clear) struct buffer url;
    CLEANUP(buffer_clear) struct buffer body;
    char date[40];
    struct http_header headers[] = {
        {slice_of("accept"), slice_of("application/json"), NULL},
        {slice_of("x-acs-version"), slice_of("2022-02-25"), NULL},
        {slice_of("x-acs-action"), slice_of(operations[request->question].action), NULL},
        {slice_of("date"), {date, 0}, NULL},
        {slice_of("authorization"), slice_of("Bearer "), request->access_token},
        {slice_of("content-type"), slice_of("application/json; charset=utf-8"), NULL},
    };
    struct http_request_options options = {
        .method = request->question == VAULT_API_KEY ? "GET" : "POST",
        .headers = headers,
        .header_count = request->question == VAULT_API_KEY ? 5 : 6,
        .total_timeout_ms = request->timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .is_secret_answer = true};

    buffer_init(&url, 4096);
    buffer_init(&body, BODY_MAX_BYTES);
    format_date(request->wall_s, date);
    headers[3].value = slice_of(date);
    if (!build_url(request, &url, err) || !build_body(call, request, &body, err))
        return false;
    options.url = url.data;
    options.body = (struct slice){body.data, body.len};
    call->call = http_client_start(client, &options, &events, call, err);
    return call->call != NULL;
}

struct vault_call *vault_ask(struct http_client *client, const struct vault_request *request,
                             vault_done_fn *done, void *arg, struct error *err)
{
    struct vault_call *call = calloc(1, sizeof *call);

    if (call != NULL) {
        call->done = done;
        call->arg = arg;
        call->retry_after_ms = -1;
        call->wall_s = request->wall_s;
        call->question = request->question;
        call->identifier = strdup(request->identifier);
        if (call->identifier != NULL && send_request(call, client, request, err))
            return call;
        free_call(call);
    }
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory to ask the vault");
    return NULL;
}

void vault_call_cancel(struct vault_call *call)
{
    http_call_cancel(call->call);
    free_call(call);
}

bool vault_consent_link(const struct error *err, char out[VAULT_LINK_SIZE])
{
    size_t before = strlen(CONSENT_TEXT);

    if (strcmp(err->name, CONSENT_REQUIRED) != 0 ||
        strncmp(err->message, CONSENT_TEXT, before) != 0)
        return false;
    return snprintf(out, VAULT_LINK_SIZE, "%s", err->message + before) < VAULT_LINK_SIZE;
}
