/* A stand-in without sockets for tests: requests go straight to its handlers. */
#ifndef TESTS_LOCAL_CLOUD_WORLD_H
#define TESTS_LOCAL_CLOUD_WORLD_H

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

enum { WORLD_NOW_S = 1795486100 }; /* within the life of the captured assertions */

static struct cloud *cloud;
static struct reply reply;
static int64_t now_s;

static void world_open(void)
{
    struct error err = {0};

    cloud = cloud_new("test-", &err);
    ck_assert_msg(cloud != NULL, "%s", err.message);
    realm_set_origin(&cloud->realm, "https://idaas-test.example.com", "http://127.0.0.1:1");
    reply_init(&reply);
    now_s = WORLD_NOW_S;
}

static void world_close(void)
{
    reply_clear(&reply);
    cloud_free(cloud);
}

/* Sends a request; `authorization` may be NULL. The reply is in `reply`. */
static inline void send_to(enum service_kind kind, const char *method, const char *target,
                           const char *authorization, const char *content_type, const char *body)
{
    const struct http_field fields[] = {
        {slice_of("content-type"), slice_of(content_type)},
        {slice_of("accept"), slice_of("application/json, text/event-stream")},
    };
    struct slice rest = slice_of(target);
    struct request request = {.method = slice_of(method),
                              .body = slice_of(body),
                              .fields = fields,
                              .field_count = content_type == NULL ? 0 : 2,
                              .authorization = slice_of(authorization),
                              .authorization_count = authorization != NULL,
                              .now_s = now_s,
                              .now_ms = now_s * 1000};

    request.path = slice_cut(&rest, '?');
    request.query = rest;
    reply_clear(&reply);
    cloud_handle(cloud, kind, &request, &reply);
}

/* The reply's body as JSON; the caller releases it. */
static inline struct json_object *reply_value(void)
{
    struct error err = {0};
    struct json_object *value =
        json_parse(reply.body.data == NULL ? "" : reply.body.data, reply.body.len, 64, &err);

    ck_assert_msg(value != NULL, "%s in %s", err.message, reply.body.data);
    return value;
}

static inline void assert_member(const char *name, const char *expected)
{
    struct json_object *value = reply_value();
    const char *text = json_get_string(value, name, NULL);

    ck_assert_msg(text != NULL && strcmp(text, expected) == 0, "%s", reply.body.data);
    json_object_put(value);
}

/* "Bearer <token>" for a client or user; the caller frees it. */
static inline char *bearer(const char *sub, const char *audience, const char *scope)
{
    struct token_claims claims = {
        .sub = sub, .client_id = "app_x", .audience = audience, .scope = scope};
    struct error err = {0};
    char *token = issued_token_make(cloud, &claims, now_s, NULL, &err);
    char *header;

    ck_assert_msg(token != NULL, "%s", err.message);
    header = must_format("Bearer %s", token);
    free(token);
    return header;
}

/* A vector file, parsed; the caller releases it. */
static inline struct json_object *vectors(const char *name)
{
    const char *folder = getenv("SESAME_TEST_SRCDIR");
    char *path = must_format("%s/tests/vectors/%s", folder == NULL ? "." : folder, name);
    struct json_object *value = json_object_from_file(path);

    ck_assert_msg(value != NULL, "cannot read %s", path);
    free(path);
    return value;
}

static inline struct json_object *get(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

/* A header of a captured request; NULL when it was not sent. */
static inline const char *captured_header(struct json_object *request, const char *name)
{
    struct json_object *headers = get(request, "headers");

    for (size_t i = 0; i < json_object_array_length(headers); i++) {
        struct json_object *pair = json_object_array_get_idx(headers, i);

        if (strcasecmp(json_object_get_string(json_object_array_get_idx(pair, 0)), name) == 0)
            return json_object_get_string(json_object_array_get_idx(pair, 1));
    }
    return NULL;
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
