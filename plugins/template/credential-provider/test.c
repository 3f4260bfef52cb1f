/* @NAME@ in a scripted host: no sesame, no network, no waiting. Usage: plugin-test ./@NAME@.so */
#include <sesame/plugin_test.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                        \
    do {                                                                                   \
        if (!(what)) {                                                                     \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#define TOKEN_ENDPOINT "https://auth.example/token"

static struct sesame_test_host *host;

/* One token, by an answer of the token endpoint; NULL: it does not answer. */
static struct sesame_test_call *fetch(struct sesame_test_instance *provider, int http_status,
                                      const char *body)
{
    const struct sesame_test_answer silence = {.url = TOKEN_ENDPOINT, .delay_ms = 3600000};
    struct sesame_test_call *call;

    if (body != NULL)
        sesame_test_answer_json(host, TOKEN_ENDPOINT, http_status, body);
    else
        sesame_test_answer(host, &silence);
    call = sesame_test_fetch(provider, "https://svc.example|read", NULL);
    (void)sesame_test_wait(call);
    return call;
}

int main(int argc, char **argv)
{
    const struct sesame_test_options options = {.config =
                                                    "{\"token_endpoint\": \"" TOKEN_ENDPOINT
                                                    "\", \"client_id\": \"agent\","
                                                    "\"client_secret\": \"TEST_CLIENT_SECRET\"}"};
    const struct sesame_plugin *plugin;
    struct sesame_test_instance *provider;
    struct sesame_test_call *call;

    CHECK(argc == 2 && setenv("TEST_CLIENT_SECRET", "open sesame", 1) == 0);
    host = sesame_test_host_new(1);
    plugin = sesame_test_load(host, argv[1]);
    if (plugin == NULL || (provider = sesame_test_create(host, plugin, &options)) == NULL) {
        fprintf(stderr, "%s\n", sesame_test_error(host));
        return 1;
    }

    call = fetch(provider, 200, "{\"access_token\": \"token-1\", \"expires_in\": 600}");
    CHECK(sesame_test_status(call) == SESAME_OK);
    CHECK(strcmp(sesame_test_text(call), "token-1") == 0);
    CHECK(sesame_test_token(call).expires_in_s == 600);
    CHECK(strcmp(sesame_test_request(host, 0)->body,
                 "grant_type=client_credentials&scope=read&client_id=agent"
                 "&client_secret=open+sesame") == 0);

    call = fetch(provider, 401, "{\"error\": \"invalid_client\"}");
    CHECK(sesame_test_status(call) == SESAME_DENIED);
    CHECK(sesame_test_status(fetch(provider, 200, "{}")) == SESAME_UNAVAILABLE);
    CHECK(sesame_test_status(fetch(provider, 200, "")) == SESAME_UNAVAILABLE);
    CHECK(sesame_test_status(fetch(provider, 200, "{\"access_token\": \"a\\nb\"}")) ==
          SESAME_UNAVAILABLE);
    call = fetch(provider, 200, "{\"access_token\": \"token-2\", \"expires_in\": 99999999999}");
    CHECK(sesame_test_status(call) == SESAME_OK && sesame_test_token(call).expires_in_s == -1);
    CHECK(sesame_test_status(fetch(provider, 503, "")) == SESAME_UNAVAILABLE);
    CHECK(sesame_test_status(fetch(provider, 0, NULL)) == SESAME_TIMED_OUT);
    CHECK(sesame_test_open_handles(provider, "secret") == 0);

    /* Nothing that a plugin must not do was done. */
    CHECK(sesame_test_fault_count(host) == 0);
    sesame_test_host_free(host);
    puts("@NAME@: all is well");
    return 0;
}
