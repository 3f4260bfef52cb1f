/* What the token endpoint answered: a token, or a refusal in one of the vendor's two shapes. */
#include "client_secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_MAX_BYTES 2048

/* The raw text of a member that is no secret. */
static bool read_raw(struct fetch *fetch, uint64_t answer, const char *pointer, char *out,
                     size_t capacity, struct sesame_text *out_value)
{
    size_t len = 0;

    if (fetch->instance->secret->json_read(fetch->instance->kit.host, answer, kit_text(pointer),
                                           out, capacity, &len) != SESAME_OK)
        return false;
    *out_value = (struct sesame_text){out, len};
    return true;
}

/* The first of two members that is a non-empty string; the caller frees. */
static char *read_string(struct fetch *fetch, uint64_t answer, const char *first,
                         const char *second)
{
    const char *pointers[] = {first, second};
    char raw[MEMBER_MAX_BYTES];
    struct sesame_text value;

    for (size_t i = 0; i < 2; i++) {
        char *text = NULL;

        if (answer != 0 && read_raw(fetch, answer, pointers[i], raw, sizeof raw, &value))
            text = kit_unquote(&fetch->instance->kit, value);
        if (text != NULL && text[0] != '\0')
            return text;
        free(text);
    }
    return NULL;
}

static int64_t read_integer(struct fetch *fetch, uint64_t answer, const char *pointer)
{
    char raw[32];
    struct sesame_text value;
    int64_t number;

    return read_raw(fetch, answer, pointer, raw, sizeof raw, &value) &&
                   kit_parse_int(value, &number)
               ? number
               : -1;
}

/* ---- failures -------------------------------------------------------------------------------- */

static void complete_failure(struct fetch *fetch, int32_t status, const char *code,
                             const char *message, const char *request_id)
{
    const struct sesame_instance *instance = fetch->instance;
    struct kit_buffer data = {0};

    kit_add(&data, "{\"code\":");
    kit_add_quoted(&instance->kit, &data, kit_text(code));
    kit_add(&data, ",\"message\":");
    kit_add_quoted(&instance->kit, &data, kit_text(message));
    if (request_id != NULL) {
        kit_add(&data, ",\"request_id\":");
        kit_add_quoted(&instance->kit, &data, kit_text(request_id));
    }
    if (fetch->retry_after_ms >= 0) {
        kit_add(&data, ",\"retry_after_ms\":");
        kit_add_number(&data, fetch->retry_after_ms);
    }
    kit_add(&data, "}");
    (void)instance->completion->complete(instance->kit.host, fetch->call, status, 0,
                                         data.has_failed ? (struct sesame_text){NULL, 0}
                                                         : kit_buffer_text(&data));
    kit_clear(&data);
}

void token_fail(struct fetch *fetch, int32_t status, const char *code, const char *message)
{
    complete_failure(fetch, status, code, message, NULL);
}

/* idaas.md 2.10: 400, 401, 403 are final; 408, 429 and 5xx may be tried again. */
static int32_t status_of(int32_t http_status)
{
    if (http_status == 429)
        return SESAME_RATE_LIMITED;
    if (http_status == 408 || http_status >= 500)
        return SESAME_UNAVAILABLE;
    return SESAME_DENIED;
}

static void refuse(struct fetch *fetch, uint64_t answer)
{
    char *code = read_string(fetch, answer, "/error", "/Code");
    char *said = read_string(fetch, answer, "/error_description", "/Message");
    char *request_id = read_string(fetch, answer, "/request_id", "/RequestId");
    const char *what = "IDaaS did not give a token";
    int32_t status = fetch->http_status < 300 ? SESAME_DENIED : status_of(fetch->http_status);
    char message[400];

    if (code != NULL && strcmp(code, "invalid_client") == 0)
        what =
            "IDaaS refused the agent's credential: check the client id and secret of the agent "
            "node";
    else if (code != NULL &&
             (strcmp(code, "invalid_scope") == 0 || strcmp(code, "unauthorized_client") == 0))
        what = "IDaaS refused the scope: check the permission configuration of the target node";
    else if (status == SESAME_UNAVAILABLE)
        what = "IDaaS reported a temporary error";
    /* Cutting what the server said is fine. */
    (void)snprintf(message, sizeof message, "%s (scope %.100s): HTTP %d%s%.40s%s%.100s", what,
                   fetch->scope, fetch->http_status, code == NULL ? "" : " ",
                   code == NULL ? "" : code, said == NULL ? "" : ": ", said == NULL ? "" : said);
    complete_failure(fetch, status, code == NULL ? "" : code, message, request_id);
    free(code);
    free(said);
    free(request_id);
}

/* ---- a token --------------------------------------------------------------------------------- */

static void complete_token(struct fetch *fetch, uint64_t answer, uint64_t token)
{
    const struct sesame_instance *instance = fetch->instance;
    int64_t expires_in_s = read_integer(fetch, answer, "/expires_in");
    int64_t expires_at_s = read_integer(fetch, answer, "/expires_at");
    struct kit_buffer data = {0};

    kit_add(&data, "{\"token_type\":\"Bearer\"");
    if (expires_in_s >= 0) {
        kit_add(&data, ",\"expires_in_s\":");
        kit_add_number(&data, expires_in_s);
    }
    if (expires_at_s >= 0) {
        kit_add(&data, ",\"expires_at_s\":");
        kit_add_number(&data, expires_at_s);
    }
    kit_add(&data, "}");
    (void)instance->completion->complete(instance->kit.host, fetch->call, SESAME_OK, token,
                                         data.has_failed ? (struct sesame_text){NULL, 0}
                                                         : kit_buffer_text(&data));
    kit_clear(&data);
}

void token_answer_complete(struct fetch *fetch, uint64_t answer)
{
    struct sesame_instance *instance = fetch->instance;
    const struct sesame_host *host = instance->kit.host;
    char raw[MEMBER_MAX_BYTES];
    struct sesame_text value;
    char *type, *error;
    uint64_t token = 0;

    error = read_string(fetch, answer, "/error", "/Code");
    if (fetch->http_status < 200 || fetch->http_status > 299 || error != NULL) {
        free(error);
        refuse(fetch, answer);
        return;
    }
    type = read_string(fetch, answer, "/token_type", "/token_type");
    if (type != NULL && !kit_equal_nocase(kit_text(type), "bearer"))
        token_fail(fetch, SESAME_UNAVAILABLE, "invalid_token_type",
                   "IDaaS gave a token of another type than Bearer");
    else if (type == NULL && answer != 0 &&
             read_raw(fetch, answer, "/token_type", raw, sizeof raw, &value))
        token_fail(fetch, SESAME_UNAVAILABLE, "invalid_token_type",
                   "IDaaS gave a token_type that is no text");
    else if (answer == 0 || instance->secret->json_take(host, answer, kit_text("/access_token"),
                                                        &token) != SESAME_OK)
        token_fail(fetch, SESAME_UNAVAILABLE, "invalid_answer",
                   "IDaaS answered without an access_token, or not in strict JSON");
    else
        complete_token(fetch, answer, token);
    free(type);
}
