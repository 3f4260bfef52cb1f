/* Between the bench's files. */
#ifndef SESAME_CHECK_BENCH_PRIVATE_H
#define SESAME_CHECK_BENCH_PRIVATE_H

#include "check/bench.h"
#include "check/check.h"
#include "credential/provider.h"
#include "plugin/catalogue.h"

#include <pthread.h>

struct broker;
struct credential_client;
struct http_client;
struct provider_port;
struct tool_host;
struct tool_port;

#define BENCH_CREDENTIAL "check"
/* What the scripted server gives a provider, unless told otherwise. */
#define BENCH_TOKEN "canary-token-from-the-server"

struct bench {
    struct check *check;
    enum placement placement;
    bool is_tool;
    struct loop *loop;
    struct http_client *http;
    struct broker *broker;
    struct credential_client *credentials;
    struct peer *peer;
    struct plugin_manifest manifest; /* the target's, with the scripted server among its origins */
    struct plugin_library *library;
    struct json_object *example; /* filled in; NULL: none */
    char *config_json;
    struct json_object *variables; /* made for texts marked "x-secret": name -> value */
    unsigned secret_count;

    struct tool_config tool; /* what the instance was made with */
    struct tool_host *host;
    struct tool_port *port;
    struct provider_port *provider;
    struct credential_provider table;

    int64_t wait_until_ms; /* of the operation that may end last, with the host's grace time */

    pthread_mutex_t lock; /* of what follows */
    char misbehaviour[2000];
    char misbehaviour_copy[2000];
};

/* bench_config.c */
void bench_make_example(struct bench *bench);
void bench_make_config(struct bench *bench);
/* The variables that hold secrets, again: the host takes them out of the environment when it makes
 * an instance. */
void bench_set_variables(struct bench *bench);

#endif
