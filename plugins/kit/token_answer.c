/* What a token endpoint answered: a token, or a refusal in one of two shapes. */
#include "plugins/kit/token_request.h"

#include "plugins/kit/jwt_expiry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_MAX_BYTES 2048
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define TYPE_JWT "urn:ietf:params:oauth:token-type:jwt" /* what an access token may well be */
/* Beyond it an assertion of ten minutes may look expired or not yet valid to the server. */
#define CLOCK_DIFFERENCE_MAX_S 60
#define LIFETIME_MAX_S ((int64_t)10 * 366 * 24 * 3600) /* longer is a mistake, not a lifetime */

struct answer {
    struct token_fetch *fetch;
    const struct token_reply *reply;
    bool is_json;
};

/* Found out once: the host logs each time it is asked about text that is no strict JSON. */
static bool is_json(const struct token_provider *provider, const struct token_reply *reply)
{
    char first[1];
    size_t len;

    /* The whole does not fit, unless it is one digit. */
    int32_t status = reply->answer == 0
                         ? SESAME_BAD_INPUT
                         : provider->secret->json_read(provider->kit.host, reply->answer,
                                                       kit_text(""), first, sizeof first, &len);

    return status == SESAME_LIMIT || status == SESAME_OK;
}

/* The raw text of a member that is no secret. */
static bool read_raw(const struct answer *answer, const char *pointer, char *out, size_t capacity,
                     struct sesame_text *out_value)
{
    const struct token_provider *provider = answer->fetch->provider;
    size_t len = 0;

    if (!answer->is_json ||
        provider->secret->json_read(provider->kit.host, answer->reply->answer, kit_text(pointer),
                                    out, capacity, &len) != SESAME_OK)
        return false;
    *out_value = (struct sesame_text){out, len};
    return true;
}

/* The first of two members that is a non-empty string; the caller frees. */
static char *read_string(const struct answer *answer, const char *first, const char *second)
{
    const char *pointers[] = {first, second};
    char raw[MEMBER_MAX_BYTES];
    struct sesame_text value;

    for (size_t i = 0; i < 2; i++) {
        char *text = NULL;

        if (read_raw(answer, pointers[i], raw, sizeof raw, &value))
            text = kit_unquote(&answer->fetch->provider->kit, value, NULL);
        if (text != NULL && text[0] != '\0')
            return text;
        free(text);
    }
    return NULL;
}

static int64_t read_integer(const struct answer *answer, const char *pointer)
{
    char raw[32];
    struct sesame_text value;
    int64_t number;

    if (!read_raw(answer, pointer, raw, sizeof raw, &value))
        return -1;
    /* Some servers write it as a text. */
    if (value.len > 2 && value.data[0] == '"')
        value = (struct sesame_text){value.data + 1, value.len - 2};
    return kit_parse_int(value, &number) ? number : -1;
}

/* ---- a refusal ------------------------------------------------------------------------------- */

static bool is_one_of(const char *code, const char *first, const char *second)
{
    return code != NULL && (strcmp(code, first) == 0 || strcmp(code, second) == 0);
}

/* The code first: some servers say "try later" with 400, by the names of RFC 6749 section 4.1.2.1.
 */
static int32_t status_of(int32_t http_status, const char *code)
{
    if (is_one_of(code, "temporarily_unavailable", "server_error"))
        return SESAME_UNAVAILABLE;
    if (http_status == 429)
        return SESAME_RATE_LIMITED;
    if (http_status == 408 || http_status >= 500)
        return SESAME_UNAVAILABLE;
    return SESAME_DENIED;
}

/* What people can do about it, after idaas.md 10. */
static void explain_refusal(const struct answer *answer, int32_t status, const char *code,
                            struct kit_buffer *out)
{
    const struct token_fetch *fetch = answer->fetch;
    const struct token_provider *provider = fetch->provider;
    int32_t http_status = answer->reply->http_status;

    kit_add(out, provider->server);
    if (is_one_of(code, "invalid_client", "InvalidClient")) {
        kit_add(out, " refused the agent's credential: check ");
        kit_add(out, provider->credential_hint);
    } else if (is_one_of(code, "invalid_scope", "unauthorized_client") ||
               is_one_of(code, "invalid_target", "invalid_target")) {
        kit_add(out, " refused the scope: check ");
        kit_add(out, provider->scope_hint);
    } else if (is_one_of(code, "invalid_grant", "invalid_grant") && fetch->subject_token != 0) {
        kit_add(out, " does not take the user's sign-in any more: log in again");
    } else if (http_status >= 300 && http_status < 400) {
        kit_add(out,
                " answered with a redirect, which is not followed: tokenEndpoint must be the "
                "final address");
    } else if (status == SESAME_UNAVAILABLE || status == SESAME_RATE_LIMITED) {
        kit_add(out, " reported a temporary error");
    } else {
        kit_add(out, " did not give a token");
    }
}

/* An assertion's times are judged by the server's clock, so a refusal may be about ours. */
static void explain_clock(const struct answer *answer, struct kit_buffer *out)
{
    const struct kit *kit = &answer->fetch->provider->kit;
    int64_t ahead_s;

    if (answer->reply->server_time_s < 0)
        return;
    ahead_s = kit->clock->wall_ms(kit->host) / 1000 - answer->reply->server_time_s;
    if (ahead_s >= -CLOCK_DIFFERENCE_MAX_S && ahead_s <= CLOCK_DIFFERENCE_MAX_S)
        return;
    kit_add(out, "; the clock of this machine is ");
    kit_add_number(out, ahead_s < 0 ? -ahead_s : ahead_s);
    kit_add(out, ahead_s < 0 ? " s behind" : " s ahead of");
    kit_add(out, " the server's: set it");
}

static void end_refused(const struct answer *answer)
{
    const struct token_reply *reply = answer->reply;
    const struct kit *kit = &answer->fetch->provider->kit;
    char *code = read_string(answer, "/error", "/Code");
    int32_t status = reply->http_status < 300 ? SESAME_DENIED : status_of(reply->http_status, code);
    char *said = read_string(answer, "/error_description", "/Message");
    char *request_id = read_string(answer, "/request_id", "/RequestId");
    struct kit_buffer message = {0}, data = {0};
    char facts[320];

    explain_refusal(answer, status, code, &message);
    /* Cutting what the server said is fine. */
    (void)snprintf(facts, sizeof facts, " (scope %.100s): HTTP %" PRId32 "%s%.40s%s%.100s",
                   answer->fetch->scope, reply->http_status, code == NULL ? "" : " ",
                   code == NULL ? "" : code, said == NULL ? "" : ": ", said == NULL ? "" : said);
    explain_clock(answer, &message);
    kit_add(&message, facts); /* last: what is too long is cut at the end */

    kit_add(&data, "{\"code\":");
    kit_add_quoted(kit, &data, kit_text(code == NULL ? "" : code));
    kit_add(&data, ",\"message\":");
    kit_add_quoted(kit, &data, kit_buffer_text(&message));
    if (request_id != NULL) {
        kit_add(&data, ",\"request_id\":");
        kit_add_quoted(kit, &data, kit_text(request_id));
    }
    if (reply->retry_after_ms >= 0) {
        kit_add(&data, ",\"retry_after_ms\":");
        kit_add_number(&data, reply->retry_after_ms);
    }
    kit_add(&data, "}");
    token_fetch_complete(answer->fetch, status, 0, &data);
    kit_clear(&message);
    kit_clear(&data);
    free(code);
    free(said);
    free(request_id);
}

/* ---- a token --------------------------------------------------------------------------------- */

static void end_with_token(const struct answer *answer, uint64_t token)
{
    const struct token_provider *provider = answer->fetch->provider;
    int64_t expires_in_s = read_integer(answer, "/expires_in");
    int64_t expires_at_s = read_integer(answer, "/expires_at");
    struct kit_buffer data = {0};

    if (expires_in_s > LIFETIME_MAX_S)
        expires_in_s = -1;
    if (expires_in_s < 0 && expires_at_s < 0)
        (void)jwt_expiry_read(&provider->kit, provider->secret, token, &expires_at_s);
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
    token_fetch_complete(answer->fetch, SESAME_OK, token, &data);
    kit_clear(&data);
}

static void end_unusable(const struct answer *answer, const char *code, const char *what)
{
    char message[200];

    (void)snprintf(message, sizeof message, "%s %s", answer->fetch->provider->server, what);
    token_fetch_fail(answer->fetch, SESAME_UNAVAILABLE, code, message);
}

/* RFC 8693 section 2.2.1: an exchange may give another kind of token than was asked for. */
static bool is_other_kind(const struct answer *answer)
{
    char *kind = read_string(answer, "/issued_token_type", "/issued_token_type");
    bool is_other = kind != NULL && answer->fetch->subject_token != 0 &&
                    strcmp(kind, TYPE_ACCESS_TOKEN) != 0 && strcmp(kind, TYPE_JWT) != 0;

    free(kind);
    return is_other;
}

/* It goes into a header: visible ASCII, as RFC 6750 section 2.1 has it and more. */
static bool can_stand_in_a_header(const struct token_provider *provider, uint64_t token)
{
    struct sesame_text bytes = {NULL, 0};

    if (provider->secret->borrow(provider->kit.host, token, &bytes) != SESAME_OK || bytes.len == 0)
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] <= ' ' || bytes.data[i] > '~')
            return false;
    return true;
}

static void end_granted(const struct answer *answer)
{
    const struct token_provider *provider = answer->fetch->provider;
    bool is_bound = answer->fetch->binding.proof_key != 0; /* RFC 9449 section 5 */
    char *type = read_string(answer, "/token_type", "/token_type");
    char raw[MEMBER_MAX_BYTES];
    struct sesame_text value;
    uint64_t token = 0;

    if (type != NULL && is_bound && kit_equal_nocase(kit_text(type), "bearer"))
        end_unusable(answer, "invalid_token_type",
                     "gave a plain Bearer token although a DPoP proof was sent: it does not bind "
                     "tokens to keys, or not for this client");
    else if (type != NULL && !kit_equal_nocase(kit_text(type), is_bound ? "dpop" : "bearer"))
        end_unusable(answer, "invalid_token_type",
                     is_bound ? "gave a token of another type than DPoP"
                              : "gave a token of another type than Bearer");
    else if (type == NULL && read_raw(answer, "/token_type", raw, sizeof raw, &value))
        end_unusable(answer, "invalid_token_type", "gave a token_type that is no text");
    else if (is_other_kind(answer))
        end_unusable(answer, "invalid_token_type",
                     "exchanged the user's token for something else "
                     "than an access token");
    else if (!answer->is_json ||
             provider->secret->json_take(provider->kit.host, answer->reply->answer,
                                         kit_text("/access_token"), &token) != SESAME_OK)
        end_unusable(answer, "invalid_answer",
                     "answered without an access_token, or not in strict JSON");
    else if (can_stand_in_a_header(provider, token))
        end_with_token(answer, token);
    else {
        provider->secret->free(provider->kit.host, token);
        end_unusable(answer, "invalid_answer",
                     "gave an access_token that is empty or has blanks or control characters");
    }
    free(type);
}

void token_answer_end(struct token_fetch *fetch, const struct token_reply *reply)
{
    const struct answer answer = {fetch, reply, is_json(fetch->provider, reply)};
    char *error = read_string(&answer, "/error", "/Code");

    /* The vendor's SDK takes {"error": ...} under 200 for a token. */
    if (reply->http_status < 200 || reply->http_status > 299 || error != NULL)
        end_refused(&answer);
    else
        end_granted(&answer);
    free(error);
}
