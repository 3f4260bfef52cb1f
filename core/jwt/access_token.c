/* Whether an access token opens this agent (RFC 9068 section 4, RFC 8725 section 3). */
#include "jwt/access_token.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "jwt/jwk.h"
#include "jwt/jwks.h"
#include "jwt/jws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Year 9999; anything above it, milliseconds included, is no date (RFC 7519 section 2). */
#define NUMERIC_DATE_MAX 253402300799.0

/* A longer chain is cut: depth 32 of the JSON is the limit anyway. */
#define ACTOR_MAX_COUNT 16

/* One check in progress. */
struct check {
    const struct access_token_policy *policy;
    struct slice header;
    struct slice payload;
    const char *reason;
};

static bool fail(struct check *check, const char *reason)
{
    check->reason = reason;
    return false;
}

/* ---- members --------------------------------------------------------------------------------- */

enum member { MEMBER_MISSING, MEMBER_OTHER, MEMBER_STRING, MEMBER_NO_MEMORY };

/* The string member at `pointer`; empty text counts as a string. */
static enum member read_string(struct slice json, const char *pointer, struct buffer *out)
{
    struct error err = {0};
    const char *value;
    size_t len;

    buffer_init(out, json.len);
    if (!json_find(json.data, json.len, pointer, &value, &len) ||
        (len == 4 && memcmp(value, "null", 4) == 0))
        return MEMBER_MISSING;
    if (json_unescape(value, len, out, &err))
        return MEMBER_STRING;
    return err.code == ERROR_NO_MEMORY ? MEMBER_NO_MEMORY : MEMBER_OTHER;
}

static struct slice text_of(const struct buffer *buffer)
{
    return (struct slice){buffer->data == NULL ? "" : buffer->data, buffer->len};
}

/* A NumericDate: a JSON number, fractions allowed. */
static enum member read_date(struct slice json, const char *pointer, double *out_date)
{
    const char *value;
    size_t len;
    char text[64];

    if (!json_find(json.data, json.len, pointer, &value, &len))
        return MEMBER_MISSING;
    if ((*value != '-' && (*value < '0' || *value > '9')) || len >= sizeof text)
        return MEMBER_OTHER;
    memcpy(text, value, len);
    text[len] = '\0';
    *out_date = strtod(text, NULL);
    return isfinite(*out_date) && *out_date <= NUMERIC_DATE_MAX ? MEMBER_STRING : MEMBER_OTHER;
}

/* ---- the header ------------------------------------------------------------------------------ */

static bool has_member(struct slice json, const char *pointer)
{
    const char *value;
    size_t len;

    return json_find(json.data, json.len, pointer, &value, &len);
}

static bool is_object(struct slice json, bool *out_has_duplicate)
{
    struct error err = {0};

    *out_has_duplicate = false;
    if (!json_check(json.data, json.len, JSON_DEPTH_DEFAULT, &err)) {
        *out_has_duplicate = strstr(err.message, "twice") != NULL;
        return false;
    }
    return slice_trim(json).data[0] == '{';
}

static bool is_allowed(const struct access_token_policy *policy, const char *name)
{
    if (policy->algorithms == NULL)
        return true;
    for (size_t i = 0; policy->algorithms[i] != NULL; i++)
        if (strcmp(policy->algorithms[i], name) == 0)
            return true;
    return false;
}

static const struct algorithm *check_algorithm(struct check *check)
{
    CLEANUP(buffer_clear) struct buffer name;
    const struct algorithm *algorithm = NULL;
    enum member kind = read_string(check->header, "/alg", &name);

    if (kind == MEMBER_STRING)
        algorithm = algorithm_find(text_of(&name));
    if (algorithm == NULL || algorithm->key_type == KEY_OCT ||
        !is_allowed(check->policy, algorithm->name)) {
        fail(check, kind == MEMBER_MISSING ? "alg_missing" : "alg_not_allowed");
        return NULL;
    }
    return algorithm;
}

/* Refuses other kinds of JWT, such as logout tokens and DPoP proofs (RFC 8725 section 3.11). */
static bool check_type(struct check *check)
{
    CLEANUP(buffer_clear) struct buffer type;
    struct slice text;

    switch (read_string(check->header, "/typ", &type)) {
    case MEMBER_MISSING:
        return check->policy->requires_typ ? fail(check, "wrong_typ") : true;
    case MEMBER_OTHER:
    case MEMBER_NO_MEMORY:
        return fail(check, "wrong_typ");
    case MEMBER_STRING:
        break;
    }
    text = text_of(&type);
    if (slice_equal_nocase(text, "at+jwt") || slice_equal_nocase(text, "application/at+jwt"))
        return true;
    return slice_equal_nocase(text, "JWT") && !check->policy->requires_typ
               ? true
               : fail(check, "wrong_typ");
}

/* ---- the claims ------------------------------------------------------------------------------ */

static bool check_issuer(struct check *check)
{
    CLEANUP(buffer_clear) struct buffer issuer;

    if (read_string(check->payload, "/iss", &issuer) == MEMBER_MISSING)
        return fail(check, "iss_missing");
    return slice_equal_text(text_of(&issuer), check->policy->issuer) ? true
                                                                     : fail(check, "wrong_issuer");
}

static bool literal_equals(struct slice literal, const char *text)
{
    CLEANUP(buffer_clear) struct buffer plain;
    struct error ignored = {0};

    buffer_init(&plain, literal.len);
    return literal.len >= 2 && literal.data[0] == '"' &&
           json_unescape(literal.data, literal.len, &plain, &ignored) &&
           slice_equal_text(text_of(&plain), text);
}

static bool check_audience(struct check *check)
{
    const char *value;
    size_t len, position = 0;
    struct slice name, item;

    if (!json_find(check->payload.data, check->payload.len, "/aud", &value, &len) ||
        (len == 4 && memcmp(value, "null", 4) == 0))
        return fail(check, "aud_missing");
    if (*value != '[')
        return literal_equals((struct slice){value, len}, check->policy->audience)
                   ? true
                   : fail(check, "wrong_audience");
    while (json_next(value, len, &position, &name, &item))
        if (literal_equals(item, check->policy->audience))
            return true;
    return fail(check, "wrong_audience");
}

static bool check_times(struct check *check, int64_t now_s, int64_t *out_expires_at_s)
{
    double expires, other, now = (double)now_s, leeway = (double)check->policy->leeway_s;

    if (read_date(check->payload, "/exp", &expires) != MEMBER_STRING)
        return fail(check, "exp_invalid");
    if (now >= expires + leeway)
        return fail(check, "expired");
    switch (read_date(check->payload, "/nbf", &other)) {
    case MEMBER_OTHER:
    case MEMBER_NO_MEMORY:
        return fail(check, "nbf_invalid");
    case MEMBER_STRING:
        if (other > now + leeway)
            return fail(check, "not_yet_valid");
        break;
    case MEMBER_MISSING:
        break;
    }
    switch (read_date(check->payload, "/iat", &other)) {
    case MEMBER_OTHER:
    case MEMBER_NO_MEMORY:
        return fail(check, "iat_invalid");
    case MEMBER_STRING:
        if (other > now + leeway)
            return fail(check, "issued_in_future");
        break;
    case MEMBER_MISSING:
        break;
    }
    *out_expires_at_s = (int64_t)expires;
    return true;
}

static enum access_verdict check_scope(struct check *check)
{
    CLEANUP(buffer_clear) struct buffer scope;
    struct slice rest;

    if (read_string(check->payload, "/scope", &scope) != MEMBER_STRING) {
        check->reason = "scope_missing";
        return ACCESS_SCOPE_INSUFFICIENT;
    }
    rest = text_of(&scope);
    while (rest.data != NULL) {
        struct slice value = slice_cut(&rest, ' ');

        if (value.len > 0 && slice_equal_text(value, check->policy->scope))
            return ACCESS_GRANTED;
    }
    check->reason = "insufficient_scope";
    return ACCESS_SCOPE_INSUFFICIENT;
}

static bool copy_claim(struct slice payload, const char *pointer, char **out)
{
    CLEANUP(buffer_clear) struct buffer text;
    enum member kind = read_string(payload, pointer, &text);

    /* Nobody passes as a user without a name because it could not be kept. */
    if (kind == MEMBER_NO_MEMORY)
        return false;
    if (kind != MEMBER_STRING || text.len > 1024 ||
        (text.len > 0 && memchr(text.data, '\0', text.len) != NULL))
        buffer_truncate(&text, 0);
    *out = buffer_take(&text, NULL);
    return *out != NULL;
}

/* The subjects of the nested "act" claims (RFC 8693 section 4.1), the present actor first. */
static bool copy_actors(struct slice payload, char **out)
{
    char pointer[ACTOR_MAX_COUNT * 4 + 8];
    CLEANUP(buffer_clear) struct buffer list;
    struct error err = {0};
    size_t used = 0;

    buffer_init(&list, ACTOR_MAX_COUNT * 7000);
    for (int i = 0; i < ACTOR_MAX_COUNT; i++) {
        CLEANUP(cleanup_free) char *actor = NULL;

        memcpy(pointer + used, "/act/sub", 9);
        if (!has_member(payload, pointer))
            break;
        used += 4;
        if (!copy_claim(payload, pointer, &actor) ||
            !buffer_add_char(&list, list.len == 0 ? '[' : ',', &err) ||
            !json_add_string(&list, actor, strlen(actor), &err))
            return false;
    }
    if (list.len > 0 && !buffer_add_char(&list, ']', &err))
        return false;
    *out = buffer_take(&list, NULL);
    return *out != NULL;
}

void access_token_claims_clear(struct access_token_claims *claims)
{
    free(claims->sub);
    free(claims->client_id);
    free(claims->jti);
    free(claims->actors);
    *claims = (struct access_token_claims){0};
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum access_verdict check_signature(struct check *check, const struct jws *jws,
                                           const struct jwks *jwks)
{
    const struct algorithm *algorithm;
    CLEANUP(buffer_clear) struct buffer kid;
    const struct jwk *key;
    enum member kind;
    bool has_duplicate;

    buffer_init(&kid, 0);
    if (!is_object(check->header, &has_duplicate)) {
        fail(check, has_duplicate ? "duplicate_member" : "bad_header_json");
        return ACCESS_INVALID;
    }
    algorithm = check_algorithm(check);
    if (algorithm == NULL)
        return ACCESS_INVALID;
    /* No extension is understood here, so none may be critical (RFC 7515 section 4.1.11); and
     * "b64" changes what is signed (RFC 7797). */
    if (has_member(check->header, "/crit") || has_member(check->header, "/b64")) {
        fail(check, "crit_unsupported");
        return ACCESS_INVALID;
    }
    if (!check_type(check))
        return ACCESS_INVALID;
    kind = read_string(check->header, "/kid", &kid);
    if (kind != MEMBER_STRING || kid.len == 0) {
        fail(check, "kid_missing");
        return ACCESS_INVALID;
    }
    key = jwks_find_key(jwks, text_of(&kid), algorithm, &check->reason);
    if (key == NULL)
        return strcmp(check->reason, "unknown_kid") == 0 ? ACCESS_UNKNOWN_KID : ACCESS_INVALID;
    if (jwk_verify(key, algorithm, jws))
        return ACCESS_GRANTED;
    fail(check, "bad_signature");
    return ACCESS_INVALID;
}

static enum access_verdict check_claims(struct check *check, int64_t now_s,
                                        struct access_token_claims *out_claims)
{
    struct access_token_claims claims = {0};
    enum access_verdict verdict;
    bool has_duplicate;

    if (!is_object(check->payload, &has_duplicate)) {
        fail(check, has_duplicate ? "duplicate_member" : "bad_payload_json");
        return ACCESS_INVALID;
    }
    if (!check_issuer(check) || !check_audience(check) ||
        !check_times(check, now_s, &claims.expires_at_s))
        return ACCESS_INVALID;
    verdict = check_scope(check);
    if (verdict != ACCESS_GRANTED)
        return verdict;
    if (!copy_claim(check->payload, "/sub", &claims.sub) ||
        !copy_claim(check->payload, "/client_id", &claims.client_id) ||
        !copy_claim(check->payload, "/jti", &claims.jti) ||
        !copy_actors(check->payload, &claims.actors)) {
        access_token_claims_clear(&claims);
        fail(check, "no_memory");
        return ACCESS_INVALID;
    }
    if (check->policy->requires_sub && claims.sub[0] == '\0') {
        access_token_claims_clear(&claims);
        fail(check, "claim_missing");
        return ACCESS_INVALID;
    }
    *out_claims = claims;
    return ACCESS_GRANTED;
}

enum access_verdict access_token_check(const struct access_token_policy *policy,
                                       const struct jwks *jwks, struct slice token, int64_t now_s,
                                       struct access_token_claims *out_claims,
                                       const char **out_reason)
{
    struct check check = {.policy = policy, .reason = "granted"};
    enum access_verdict verdict = ACCESS_INVALID;
    struct jws jws;

    if (token.len == 0 || token.len > ACCESS_TOKEN_MAX_BYTES) {
        *out_reason = token.len == 0 ? "token_empty" : "too_large";
        return ACCESS_INVALID;
    }
    if (jws_split(token, &jws, &check.reason)) {
        check.reason = "granted";
        check.header = text_of(&jws.header);
        check.payload = text_of(&jws.payload);
        verdict = check_signature(&check, &jws, jwks);
        if (verdict == ACCESS_GRANTED)
            verdict = check_claims(&check, now_s, out_claims);
    }
    jws_clear(&jws);
    *out_reason = check.reason;
    return verdict;
}
