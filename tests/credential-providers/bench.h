/* A credential provider, loaded and asked as the host does it, against a scripted endpoint.
 *
 * There is one bench in a test program; bench_set_up and bench_tear_down are its fixture. */
#ifndef SESAME_TESTS_CREDENTIAL_PROVIDERS_BENCH_H
#define SESAME_TESTS_CREDENTIAL_PROVIDERS_BENCH_H

#include "base/error.h"
#include "config/problems.h"
#include "net/http_server.h"

#include "../support/peer.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct json_object;
struct token_binding;

#define BENCH_TOKEN_PATH "/api/v2/iauths_system/oauth2/token"

/* A request as the endpoint saw it. */
struct bench_request {
    char method[16];
    char target[2048];
    char authorization[512];
    char headers[2048]; /* "name: value" lines, names in lower case, credentials left out */
    char body[16384];
};

struct bench {
    struct loop *loop;
    struct peer endpoint;
    struct bench_request seen[8];
    size_t seen_count;

    /* What it answers at BENCH_TOKEN_PATH; a token that lives 1200 s unless a test says otherwise.
     */
    int status; /* 0: it never answers */
    const char *body;
    const char *header_name, *header_value; /* one more header, or NULL */
    /* What it answers elsewhere; NULL: 404. */
    void (*answer)(struct http_exchange *exchange);

    time_t clock_ahead_s; /* added to the time of day of the program under test */

    /* How the last fetch ended. */
    char token[100];
    int64_t expires_in_s, expires_at_s, retry_after_ms;
    struct token_binding *binding; /* of the last token; owned, NULL for a bearer token */
    struct error err;
};
extern struct bench bench;

void bench_set_up(void);
void bench_tear_down(void);

/* As run_tests, twice: with the provider inline, then with it on a thread. */
int bench_run(const char *name, const TTest *const *tests, void (*setup)(void),
              void (*teardown)(void));

/* Makes the provider that an SDK file selects, with our endpoint for its token endpoint. False:
 * `err` says why, whether the file, the plugin's schema or the plugin itself refuses it. */
bool bench_try(struct json_object *sdk_config, struct error *err);
/* The same for a file that must do. */
void bench_open(struct json_object *sdk_config);
/* The same with a plugin that the host file names, and its configuration as it stands there. */
bool bench_try_plugin(const char *id, const char *config_json, struct error *err);
void bench_close(void);

/* Fetches a token for "audience|value", or for a plain scope; `subject` is the user's token or
 * NULL. The result is in the bench. */
void bench_fetch(const char *scope, const char *subject);
/* The same, `count` of them at once; the result is the last one's. */
void bench_fetch_many(const char *scope, const char *subject, int count);

const struct bench_request *bench_last(void);
/* The value of a header line, or NULL. The text lives until the next call. */
const char *bench_header(const struct bench_request *request, const char *name);

#endif
