/* Checks that secrets stay where they belong: recognisable ones must show up nowhere. */
#include "check/check.h"

#include "check/bench.h"
#include "check/peer.h"
#include "check/probe.h"

#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MS 1500
#define SUBJECT "canary-subject-token-of-a-user"

static struct bench *open_ready(struct check *check)
{
    struct bench *bench = bench_open(check);

    if (bench_is_tool(bench) && bench_functions(bench, NULL) == NULL)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    probe_add_secret(SUBJECT);
    return bench;
}

static void operate(struct bench *bench, bool as_user)
{
    struct bench_result result;

    if (as_user && !bench_is_tool(bench)) {
        (void)bench_start_fetch(bench, bench_scope(bench), SUBJECT, OPERATION_MS, &result);
        bench_wait(bench, &result);
    } else {
        bench_operate(bench, 0, OPERATION_MS, &result);
    }
    bench_result_clear(&result);
}

static void expect_no_leak(struct check *check)
{
    if (probe_leak() != NULL)
        check_fail(check, "%s", probe_leak());
}

static void when_all_is_well(struct check *check)
{
    struct bench *bench = open_ready(check);

    operate(bench, false);
    operate(bench, true);
    bench_destroy(bench);
    expect_no_leak(check);
}

static void when_refused(struct check *check)
{
    static const char body[] = "{\"error\":\"invalid_client\",\"error_description\":\"no\"}";
    const struct peer_answer answer = {
        .status = 401, .type = "application/json", .body = body, .body_len = sizeof body - 1};
    struct bench *bench = open_ready(check);

    peer_set(bench_peer(bench), &answer);
    operate(bench, false);
    operate(bench, true);
    bench_destroy(bench);
    expect_no_leak(check);
}

static void when_the_service_is_silent(struct check *check)
{
    const struct peer_answer answer = {.manner = PEER_IS_SILENT};
    struct bench *bench = open_ready(check);
    struct bench_result result;

    peer_set(bench_peer(bench), &answer);
    bench_operate(bench, 0, 300, &result);
    bench_destroy(bench);
    expect_no_leak(check);
}

static void when_the_answer_is_broken(struct check *check)
{
    const struct peer_answer answer = {.manner = PEER_CUTS_BODY};
    struct bench *bench = open_ready(check);

    peer_set(bench_peer(bench), &answer);
    operate(bench, false);
    bench_destroy(bench);
    expect_no_leak(check);
}

/* A server may answer with what it was sent: then the message must not quote it all. */
static void when_the_token_is_no_token(struct check *check)
{
    static const char body[] =
        "{\"access_token\":{\"value\":\"canary-nested-token\"},"
        "\"refresh_token\":\"canary-refresh-token\",\"id_token\":7}";
    const struct peer_answer answer = {
        .status = 200, .type = "application/json", .body = body, .body_len = sizeof body - 1};
    struct bench *bench = open_ready(check);

    if (bench_is_tool(bench))
        check_skip(check, "the plugin is no credential provider");
    probe_add_secret("canary-nested-token");
    probe_add_secret("canary-refresh-token");
    peer_set(bench_peer(bench), &answer);
    operate(bench, false);
    bench_destroy(bench);
    expect_no_leak(check);
}

static void when_it_cannot_be_made(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    struct error err = {0};

    /* Each secret is something else than what is expected of it. */
    (void)bench_config(bench);
    for (int i = 0; i < 3; i++) {
        char *config = bench_sample_config(bench, i);

        if (config != NULL && bench_create(bench, config, &err))
            bench_destroy(bench);
        memset(&err, 0, sizeof err);
        free(config);
    }
    expect_no_leak(check);
}

#define NOWHERE                                                                                   \
    "No secret in log records, explanations, results, messages, progress or URLs, neither plain " \
    "nor in hex or base64. Keep handles, not bytes."

static const struct check_case cases[] = {
    {"secret.well", "No secret shows up when all is well.", NOWHERE, CHECK_ANY, CHECK_HERE,
     when_all_is_well},
    {"secret.refused", "No secret shows up when the service refuses.", NOWHERE, CHECK_ANY,
     CHECK_HERE, when_refused},
    {"secret.silent", "No secret shows up when the service is silent.", NOWHERE, CHECK_ANY,
     CHECK_HERE, when_the_service_is_silent},
    {"secret.cut", "No secret shows up when the answer is cut.", NOWHERE, CHECK_ANY, CHECK_HERE,
     when_the_answer_is_broken},
    {"secret.odd-answer", "No secret of an answer shows up when the answer has an unusual form.",
     "Say which member was wrong, not what stood in it.", CHECK_PROVIDER, CHECK_HERE,
     when_the_token_is_no_token},
    {"secret.create", "No secret shows up when a configuration is refused.", NOWHERE, CHECK_ANY,
     CHECK_HERE, when_it_cannot_be_made},
};

const struct check_group check_group_secret = {"secret", "Secrets", cases,
                                               sizeof cases / sizeof cases[0]};
