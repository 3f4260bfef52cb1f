/* Allocation failure where the host is put together: loop, clients, broker, manifests. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/catalogue.h"

#include "../support/run.h"
#include "torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void turn_loop(struct loop *loop, int times)
{
    for (int i = 0; i < times; i++)
        loop_run_once(loop, 0);
}

/* ---- the broker ------------------------------------------------------------------------------ */

static struct loop *loop;
static token_done_fn *token_done;
static void *token_done_arg;

static struct token_fetch *fetch_token(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    (void)arg;
    (void)request;
    (void)err;
    token_done = done;
    token_done_arg = done_arg;
    return (struct token_fetch *)&token_done;
}

static void cancel_token(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    (void)fetch;
    token_done = NULL;
}

static void give_token(void)
{
    static const char token[] = TORTURE_CANARY;
    struct error err = {0};
    struct token_answer answer = {.token = secret_copy(token, sizeof token - 1, &err),
                                  .expires_in_s = 1200,
                                  .expires_at_s = -1};
    token_done_fn *done = token_done;

    token_done = NULL;
    if (answer.token != NULL)
        done(token_done_arg, &answer, NULL, -1);
    else
        done(token_done_arg, NULL, &err, -1);
    secret_free(answer.token);
}

static char *origins[] = {(char[]){"https://svc.example"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"enterprise"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|b https://svc.example|a"},
     .origins = origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
};

struct wait_end {
    bool is_over;
    bool has_token;
    struct error err;
};

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    struct wait_end *end = arg;

    end->is_over = true;
    end->has_token =
        credential != NULL && strcmp(secret_borrow(credential->secret, NULL), TORTURE_CANARY) == 0;
    if (err != NULL)
        end->err = *err;
}

static bool use_broker(struct broker *broker, struct error *err)
{
    struct credential_client *client = credential_client_new(broker, loop, err);
    const struct credential_config *config;
    struct credential_wait *wait;
    struct wait_end end = {0};

    if (client == NULL)
        return false;
    config = credential_find(client, slice_of("enterprise"));
    torture_expect(config != NULL &&
                       !credential_allows_url(config, slice_of("https://svc.example.evil/"),
                                              &(struct error){0}),
                   "a token is kept from other origins");
    wait = credential_get(client, config, NULL, 0, on_ready, &end);
    turn_loop(loop, 4);
    if (token_done != NULL)
        give_token();
    turn_loop(loop, 4);
    torture_expect(end.is_over, "who waits is answered, without any deadline");
    if (!end.is_over)
        credential_wait_cancel(wait);
    credential_client_free(client);
    turn_loop(loop, 4);
    return end.has_token || error_set(err, ERROR_NO_MEMORY, "no token: %s", end.err.message);
}

static bool fetch_credential(struct error *err)
{
    struct broker_options options = {.credentials = credentials,
                                     .credential_count = 1,
                                     .provider = {fetch_token, cancel_token, NULL},
                                     .developer_api_endpoint = "",
                                     .instance_id = "idaas_1",
                                     .vault_scope = "urn:cloud:idaas:pam|.all"};
    struct http_client *http;
    struct broker *broker = NULL;
    bool ok = false;

    loop = loop_new(err);
    if (loop == NULL)
        return false;
    http = http_client_new(loop, NULL, err);
    if (http != NULL)
        broker = broker_new(loop, http, &options, err);
    if (broker != NULL)
        ok = use_broker(broker, err);
    broker_free(broker);
    http_client_free(http);
    turn_loop(loop, 2);
    loop_free(loop);
    return ok;
}

START_TEST(a_credential_is_fetched_or_refused)
{
    torture("broker", fetch_credential);
}
END_TEST

/* ---- manifests ---------------------------------------------------------------------------------
 */

static char folder[64];

static void install_fixture(void)
{
    char path[200];
    FILE *file;

    snprintf(folder, sizeof folder, "/tmp/sesame-torture-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/good.json", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(
        "{\"id\":\"good\",\"file\":\"good.so\",\"version\":\"1\",\"description\":\"d\","
        "\"interfaces\":"
        "[\"sesame.tool/1\"],\"placement\":\"inline\"}",
        file);
    fclose(file);
}

static void remove_fixture(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static bool read_manifests(struct error *err)
{
    struct plugin_catalogue *catalogue = plugin_catalogue_new(folder, NULL, err);
    bool ok = catalogue != NULL;

    if (ok && plugin_catalogue_find(catalogue, "good") == NULL)
        ok = error_set(err, ERROR_NOT_FOUND, "the manifest was passed over");
    plugin_catalogue_free(catalogue);
    return ok;
}

START_TEST(manifests_are_read_or_the_catalogue_says_no)
{
    install_fixture();
    log_warn("torture", "what the log allocates once is allocated now");
    torture("plugin manifests", read_manifests);
    remove_fixture();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_credential_is_fetched_or_refused,
        manifests_are_read_or_the_catalogue_says_no,
        NULL,
    };

    /* Reading a whole bundle of certificates thousands of times shows nothing new. */
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return run_tests("torture_parts", tests, NULL, NULL);
}
