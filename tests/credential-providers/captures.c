/* Captured requests of the vendor's SDK and how ours compare. */
#include "captures.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"

#include "../support/files.h"
#include "jws_check.h"

#include <stdlib.h>
#include <string.h>

struct json_object *captures_load(void)
{
    return load_vectors("idaas-requests.json");
}

struct json_object *captures_find(struct json_object *captures, const char *id)
{
    struct json_object *cases = json_get_array(captures, "cases");

    for (size_t i = 0; i < json_object_array_length(cases); i++)
        if (strcmp(member_text(json_object_array_get_idx(cases, i), "id"), id) == 0)
            return json_object_array_get_idx(cases, i);
    ck_abort_msg("there is no capture %s", id);
    return NULL;
}

int captures_each(struct json_object *captures, const char *prefix,
                  void (*fn)(struct json_object *capture))
{
    struct json_object *cases = json_get_array(captures, "cases");
    int count = 0;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *capture = json_object_array_get_idx(cases, i);

        if (strncmp(member_text(capture, "id"), prefix, strlen(prefix)) != 0)
            continue;
        fn(capture);
        count++;
    }
    return count;
}

struct json_object *capture_config(struct json_object *capture)
{
    json_object_object_foreach(json_get_object(capture, "environment"), name, value)
    {
        setenv(name, json_object_get_string(value), 1);
    }
    return json_get_object(capture, "sdk_config");
}

bool capture_succeeded(const struct json_object *capture)
{
    struct json_object *result;

    return json_object_object_get_ex(capture, "sdk_result", &result) &&
           strcmp(json_object_get_string(result), "ok") == 0;
}

/* ---- forms ----------------------------------------------------------------------------------- */

bool form_field(const char *form, const char *name, struct buffer *out)
{
    struct slice rest = slice_of(form);
    struct error err = {0};

    buffer_truncate(out, 0);
    while (rest.data != NULL) {
        struct slice value = slice_cut(&rest, '&');
        struct slice key = slice_cut(&value, '=');

        if (slice_equal_text(key, name))
            return percent_decode(value.data, value.len, true, out, &err);
    }
    return false;
}

static size_t count_fields(const char *form)
{
    size_t count = 1;

    for (const char *c = form; *c != '\0'; c++)
        count += *c == '&';
    return count;
}

/* In a list of [name, value] pairs, names without case. */
static const char *find_pair(struct json_object *pairs, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(pairs); i++) {
        struct json_object *pair = json_object_array_get_idx(pairs, i);

        if (strcasecmp(json_object_get_string(json_object_array_get_idx(pair, 0)), name) == 0)
            return json_object_get_string(json_object_array_get_idx(pair, 1));
    }
    return NULL;
}

/* ---- assertions ------------------------------------------------------------------------------ */

/* Header and claims equal but for the times and the random id; the audience is our endpoint. */
static void compare_assertion(const char *id, const char *token, const char *wanted,
                              const struct assertion_proof *proof)
{
    static const char *const same[] = {"sub", "iss"};
    struct json_object *header = jws_part(token, 0), *wanted_header = jws_part(wanted, 0);
    struct json_object *claims = jws_part(token, 1), *wanted_claims = jws_part(wanted, 1);
    int64_t iat = 0, exp = 0;
    char aud[200];

    ck_assert_msg(json_object_equal(header, wanted_header), "%s: the header differs", id);
    ck_assert_int_eq(json_object_object_length(claims), json_object_object_length(wanted_claims));
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(member_text(claims, same[i]), member_text(wanted_claims, same[i]));
    snprintf(aud, sizeof aud, "%s" BENCH_TOKEN_PATH, bench.endpoint.url);
    ck_assert_str_eq(member_text(claims, "aud"), aud);
    ck_assert_uint_eq(strlen(member_text(claims, "jti")), 36);
    ck_assert(json_get_int64(claims, "iat", &iat) && json_get_int64(claims, "exp", &exp));
    ck_assert_int_eq(exp - iat, 600);
    ck_assert_msg(proof->key != NULL ? jws_check_key(token, proof->key)
                                     : jws_check_secret(token, proof->secret),
                  "%s: the signature is wrong", id);
    json_object_put(header);
    json_object_put(wanted_header);
    json_object_put(claims);
    json_object_put(wanted_claims);
}

static void compare_form(const char *id, struct json_object *fields,
                         const struct assertion_proof *proof)
{
    const char *body = bench_last()->body;
    struct buffer value;

    buffer_init(&value, 16384);
    ck_assert_msg(count_fields(body) == json_object_array_length(fields), "%s: %s", id, body);
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *pair = json_object_array_get_idx(fields, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
        const char *wanted = json_object_get_string(json_object_array_get_idx(pair, 1));

        ck_assert_msg(form_field(body, name, &value), "%s: no field %s", id, name);
        if (strcmp(name, "client_assertion") == 0 && proof != NULL)
            compare_assertion(id, value.data, wanted, proof);
        else
            ck_assert_msg(strcmp(value.data == NULL ? "" : value.data, wanted) == 0,
                          "%s: %s is %s, expected %s", id, name, value.data, wanted);
    }
    buffer_clear(&value);
}

void capture_replay(struct json_object *capture, const struct assertion_proof *proof)
{
    const char *id = member_text(capture, "id");
    struct json_object *requests = json_get_array(capture, "requests");
    struct json_object *request =
        json_object_array_get_idx(requests, json_object_array_length(requests) - 1);
    struct json_object *fields = json_get_array(request, "form_fields_in_order");
    struct json_object *headers = json_get_array(request, "headers");
    const char *authorization = find_pair(headers, "Authorization");

    bench_open(capture_config(capture));
    bench.seen_count = 0;
    bench_fetch(find_pair(fields, "scope"), find_pair(fields, "subject_token"));
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s: %s", id, bench.err.message);
    ck_assert_uint_eq(bench.seen_count, json_object_array_length(requests));
    ck_assert_str_eq(bench_last()->method, member_text(request, "method"));
    ck_assert_str_eq(bench_last()->target, member_text(request, "target"));
    ck_assert_str_eq(bench_header(bench_last(), "content-type"),
                     find_pair(headers, "Content-Type"));
    ck_assert_str_eq(bench_last()->authorization, authorization == NULL ? "" : authorization);
    compare_form(id, fields, proof);
    ck_assert_str_eq(bench.token, "canary-token");
    ck_assert_int_eq(bench.expires_in_s, 1200);
    bench_close();
}
