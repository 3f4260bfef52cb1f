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

/* The members of a token that are looked at, found in one pass over each part. */
enum { HEADER_ALG, HEADER_TYP, HEADER_KID, HEADER_CRIT, HEADER_B64, HEADER_COUNT };
static const struct json_member header_members[HEADER_COUNT] = {
    [HEADER_ALG] = {.name = "alg"}, [HEADER_TYP] = {.name = "typ"},
    [HEADER_KID] = {.name = "kid"}, [HEADER_CRIT] = {.name = "crit"},
    [HEADER_B64] = {.name = "b64"},
};

enum {
    CLAIM_ISS,
    CLAIM_AUD,
    CLAIM_EXP,
    CLAIM_NBF,
    CLAIM_IAT,
    CLAIM_SCOPE,
    CLAIM_SUB,
    CLAIM_CLIENT_ID,
    CLAIM_JTI,
    CLAIM_ACT,
    CLAIM_COUNT
};
static const struct json_member claim_members[CLAIM_COUNT] = {
    [CLAIM_ISS] = {.name = "iss"}, [CLAIM_AUD] = {.name = "aud"},
    [CLAIM_EXP] = {.name = "exp"}, [CLAIM_NBF] = {.name = "nbf"},
    [CLAIM_IAT] = {.name = "iat"}, [CLAIM_SCOPE] = {.name = "scope"},
    [CLAIM_SUB] = {.name = "sub"}, [CLAIM_CLIENT_ID] = {.name = "client_id"},
    [CLAIM_JTI] = {.name = "jti"}, [CLAIM_ACT] = {.name = "act"},
};

/* One check in progress. */
struct check {
    const struct access_token_policy *policy;
    struct json_member header[HEADER_COUNT];
    struct json_member claims[CLAIM_COUNT];
    struct buffer scratch; /* for strings that hold escapes */
    const char *reason;
};

static bool fail(struct check *check, const char *reason)
{
    check->reason = reason;
    return false;
}

/* ---- members --------------------------------------------------------------------------------- */

enum member { MEMBER_MISSING, MEMBER_OTHER, MEMBER_STRING, MEMBER_NO_MEMORY };

/* The string that the raw literal `value` is; empty text counts as a string. The characters lie in
 * `value` or in `scratch`, until the next call. */
static enum member read_string(struct slice value, struct buffer *scratch, struct slice *out)
{
    struct error err = {0};

    *out = (struct slice){"", 0};
    if (value.len == 0 || slice_equal_text(value, "null"))
        return MEMBER_MISSING;
    if (value.data[0] != '"')
        return MEMBER_OTHER;
    return json_characters(value, scratch, out, &err) ? MEMBER_STRING : MEMBER_NO_MEMORY;
}

static struct slice text_of(const struct buffer *buffer)
{
    return (struct slice){buffer->data == NULL ? "" : buffer->data, buffer->len};
}

/* A NumericDate: a JSON number, fractions allowed. */
static enum member read_date(struct slice value, double *out_date)
{
    char text[64];

    if (value.len == 0)
        return MEMBER_MISSING;
    if ((value.data[0] != '-' && (value.data[0] < '0' || value.data[0] > '9')) ||
        value.len >= sizeof text)
        return MEMBER_OTHER;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    *out_date = strtod(text, NULL);
    return isfinite(*out_date) && *out_date <= NUMERIC_DATE_MAX ? MEMBER_STRING : MEMBER_OTHER;
}

/* ---- the header ------------------------------------------------------------------------------ */

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
    const struct algorithm *algorithm = NULL;
    struct slice name;
    enum member kind = read_string(check->header[HEADER_ALG].value, &check->scratch, &name);

    if (kind == MEMBER_STRING)
        algorithm = algorithm_find(name);
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
    struct slice text;

    switch (read_string(check->header[HEADER_TYP].value, &check->scratch, &text)) {
    case MEMBER_MISSING:
        return check->policy->requires_typ ? fail(check, "wrong_typ") : true;
    case MEMBER_OTHER:
    case MEMBER_NO_MEMORY:
        return fail(check, "wrong_typ");
    case MEMBER_STRING:
        break;
    }
    if (slice_equal_nocase(text, "at+jwt") || slice_equal_nocase(text, "application/at+jwt"))
        return true;
    return slice_equal_nocase(text, "JWT") && !check->policy->requires_typ
               ? true
               : fail(check, "wrong_typ");
}

/* ---- the claims ------------------------------------------------------------------------------ */

static bool check_issuer(struct check *check)
{
    struct slice issuer;
    enum member kind = read_string(check->claims[CLAIM_ISS].value, &check->scratch, &issuer);

    if (kind == MEMBER_MISSING)
        return fail(check, "iss_missing");
    return kind == MEMBER_STRING && slice_equal_text(issuer, check->policy->issuer)
               ? true
               : fail(check, "wrong_issuer");
}

static bool names_us(struct check *check, struct slice value)
{
    struct slice audience;

    return read_string(value, &check->scratch, &audience) == MEMBER_STRING &&
           slice_equal_text(audience, check->policy->audience);
}

static bool check_audience(struct check *check)
{
    struct slice value = check->claims[CLAIM_AUD].value, name, item;
    size_t position = 0;

    if (value.len == 0 || slice_equal_text(value, "null"))
        return fail(check, "aud_missing");
    if (value.data[0] != '[')
        return names_us(check, value) ? true : fail(check, "wrong_audience");
    while (json_next(value.data, value.len, &position, &name, &item))
        if (names_us(check, item))
            return true;
    return fail(check, "wrong_audience");
}

static bool check_times(struct check *check, int64_t now_s, int64_t *out_expires_at_s)
{
    double expires, other, now = (double)now_s, leeway = (double)check->policy->leeway_s;

    if (read_date(check->claims[CLAIM_EXP].value, &expires) != MEMBER_STRING)
        return fail(check, "exp_invalid");
    if (now >= expires + leeway)
        return fail(check, "expired");
    switch (read_date(check->claims[CLAIM_NBF].value, &other)) {
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
    switch (read_date(check->claims[CLAIM_IAT].value, &other)) {
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
    struct slice rest;

    if (read_string(check->claims[CLAIM_SCOPE].value, &check->scratch, &rest) != MEMBER_STRING) {
        check->reason = "scope_missing";
        return ACCESS_SCOPE_INSUFFICIENT;
    }
    while (rest.data != NULL) {
        struct slice value = slice_cut(&rest, ' ');

        if (value.len > 0 && slice_equal_text(value, check->policy->scope))
            return ACCESS_GRANTED;
    }
    check->reason = "insufficient_scope";
    return ACCESS_SCOPE_INSUFFICIENT;
}

static bool copy_claim(struct slice value, struct buffer *scratch, char **out)
{
    struct slice text;
    enum member kind = read_string(value, scratch, &text);

    /* Nobody passes as a user without a name because it could not be kept. */
    if (kind == MEMBER_NO_MEMORY)
        return false;
    if (kind != MEMBER_STRING || text.len > 1024 || memchr(text.data, '\0', text.len) != NULL)
        text.len = 0;
    *out = strndup(text.data, text.len);
    return *out != NULL;
}

/* The subjects of the nested "act" claims (RFC 8693 section 4.1), the present actor first. */
static bool copy_actors(struct slice actor, struct buffer *scratch, char **out)
{
    CLEANUP(buffer_clear) struct buffer list;
    struct error err = {0};

    buffer_init(&list, ACTOR_MAX_COUNT * 7000);
    for (int i = 0; i < ACTOR_MAX_COUNT; i++) {
        struct json_member members[] = {{.name = "sub"}, {.name = "act"}};
        CLEANUP(cleanup_free) char *subject = NULL;

        json_find_members(actor, members, 2);
        if (members[0].value.len == 0)
            break;
        if (!copy_claim(members[0].value, scratch, &subject) ||
            !buffer_add_char(&list, list.len == 0 ? '[' : ',', &err) ||
            !json_add_string(&list, subject, strlen(subject), &err))
            return false;
        actor = members[1].value;
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

/* Strict JSON and an object; false sets the reason, `otherwise` when no member stands twice. */
static bool find_members(struct check *check, const struct buffer *part, const char *otherwise,
                         struct json_member *members, size_t count)
{
    bool has_duplicate;

    if (!is_object(text_of(part), &has_duplicate))
        return fail(check, has_duplicate ? "duplicate_member" : otherwise);
    json_find_members(text_of(part), members, count);
    return true;
}

static enum access_verdict check_signature(struct check *check, const struct jws *jws,
                                           const struct jwks *jwks)
{
    const struct algorithm *algorithm;
    const struct jwk *key;
    struct slice kid;

    if (!find_members(check, &jws->header, "bad_header_json", check->header, HEADER_COUNT))
        return ACCESS_INVALID;
    algorithm = check_algorithm(check);
    if (algorithm == NULL)
        return ACCESS_INVALID;
    /* No extension is understood here, so none may be critical (RFC 7515 section 4.1.11); and
     * "b64" changes what is signed (RFC 7797). */
    if (check->header[HEADER_CRIT].value.len > 0 || check->header[HEADER_B64].value.len > 0) {
        fail(check, "crit_unsupported");
        return ACCESS_INVALID;
    }
    if (!check_type(check))
        return ACCESS_INVALID;
    if (read_string(check->header[HEADER_KID].value, &check->scratch, &kid) != MEMBER_STRING ||
        kid.len == 0) {
        fail(check, "kid_missing");
        return ACCESS_INVALID;
    }
    key = jwks_find_key(jwks, kid, algorithm, &check->reason);
    if (key == NULL)
        return strcmp(check->reason, "unknown_kid") == 0 ? ACCESS_UNKNOWN_KID : ACCESS_INVALID;
    if (jwk_verify(key, algorithm, jws))
        return ACCESS_GRANTED;
    fail(check, "bad_signature");
    return ACCESS_INVALID;
}

static bool copy_claims(struct check *check, struct access_token_claims *out)
{
    const struct json_member *claims = check->claims;
    struct buffer *scratch = &check->scratch;

    return copy_claim(claims[CLAIM_SUB].value, scratch, &out->sub) &&
           copy_claim(claims[CLAIM_CLIENT_ID].value, scratch, &out->client_id) &&
           copy_claim(claims[CLAIM_JTI].value, scratch, &out->jti) &&
           copy_actors(claims[CLAIM_ACT].value, scratch, &out->actors);
}

static enum access_verdict check_claims(struct check *check, const struct jws *jws, int64_t now_s,
                                        struct access_token_claims *out_claims)
{
    struct access_token_claims claims = {0};
    enum access_verdict verdict;

    if (!find_members(check, &jws->payload, "bad_payload_json", check->claims, CLAIM_COUNT))
        return ACCESS_INVALID;
    if (!check_issuer(check) || !check_audience(check) ||
        !check_times(check, now_s, &claims.expires_at_s))
        return ACCESS_INVALID;
    verdict = check_scope(check);
    if (verdict != ACCESS_GRANTED)
        return verdict;
    if (!copy_claims(check, &claims)) {
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
        memcpy(check.header, header_members, sizeof check.header);
        memcpy(check.claims, claim_members, sizeof check.claims);
        buffer_init(&check.scratch, token.len);
        verdict = check_signature(&check, &jws, jwks);
        if (verdict == ACCESS_GRANTED)
            verdict = check_claims(&check, &jws, now_s, out_claims);
        buffer_wipe(&check.scratch);
    }
    jws_clear(&jws);
    *out_reason = check.reason;
    return verdict;
}
