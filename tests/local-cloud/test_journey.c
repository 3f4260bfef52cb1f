/* The offline stand-in as an agent meets it: over TLS with its own CA, from the client secret to
 * the services that each check their own token. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "jwt/access_token.h"
#include "jwt/jwks.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char state_dir[64];
static pid_t cloud;
static struct loop *loop;
static struct http_client *client;
static char client_secret[100];
static char base[8][200]; /* URLs by the enum below */
enum { ISSUER, VAULT, MODEL, ENTERPRISE };

static int status;
static bool is_done;
static struct buffer answer;

/* The value of `NAME=value` in the environment file the stand-in wrote. */
static void read_variable(const char *name, char *out, size_t size)
{
    char path[128], line[512];
    size_t len = strlen(name);
    FILE *file;

    snprintf(path, sizeof path, "%s/environment", state_dir);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    out[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == '=')
            snprintf(out, size, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
    fclose(file);
    ck_assert_msg(out[0] != '\0', "%s is not in the environment file", name);
}

static void start_cloud(void)
{
    const char *top = getenv("SESAME_TEST_BUILDDIR");
    char program[1024], line[400];
    const char *const argv[] = {program,           "--state-dir",     state_dir,
                                "--secret-prefix", "journey-canary-", NULL};
    struct error err = {0};
    FILE *output;
    int fds[2];

    snprintf(program, sizeof program, "%s/sesame-local-cloud", top == NULL ? "." : top);
    snprintf(state_dir, sizeof state_dir, "/tmp/sesame-cloud-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(state_dir));
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_msg(spawn_process(argv, NULL, -1, fds[1], 2, &cloud, &err), "%s", err.message);
    close(fds[1]);
    output = fdopen(fds[0], "r");
    ck_assert_msg(fgets(line, sizeof line, output) != NULL && strstr(line, "ready") != NULL,
                  "it did not get ready");
    fclose(output);
}

static void setup(void)
{
    struct http_client_options options = {0};
    struct error err = {0};
    char ca_path[100];

    buffer_init(&answer, 1 << 20);
    start_cloud();
    read_variable("IDAAS_CLIENT_SECRET", client_secret, sizeof client_secret);
    read_variable("JWKS_ENDPOINT", base[ISSUER], sizeof base[ISSUER]);
    *strstr(base[ISSUER], "/jwks") = '\0';
    read_variable("LLM_BASE_URL", base[MODEL], sizeof base[MODEL]);
    read_variable("ENTERPRISE_SERVICE_URL", base[ENTERPRISE], sizeof base[ENTERPRISE]);
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", state_dir);
    options.ca_file = ca_path;
    loop = loop_new(&err);
    client = http_client_new(loop, &options, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
}

static void teardown(void)
{
    char command[128];
    int code;

    http_client_free(client);
    loop_free(loop);
    buffer_clear(&answer);
    ck_assert_int_eq(kill(cloud, SIGTERM), 0);
    ck_assert_int_eq(waitpid(cloud, &code, 0), cloud);
    ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0, "it ended with %d", code);
    snprintf(command, sizeof command, "rm -r %s", state_dir);
    ck_assert_int_eq(system(command), 0);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct error err = {0};

    (void)arg;
    ck_assert(buffer_add(&answer, bytes, len, &err));
}

static void on_done(void *arg, int http_status, struct secret *secret, const struct error *err)
{
    (void)arg;
    (void)secret;
    ck_assert_msg(err == NULL, "%s", err == NULL ? "" : err->message);
    status = http_status;
    is_done = true;
}

/* One request to its end; `bearer` may be NULL. Returns the answer's text. */
static const char *request(const char *method, const char *url, const char *bearer,
                           const char *type, const char *body)
{
    static const struct http_call_events events = {.on_data = on_data, .on_done = on_done};
    struct error err = {0};
    CLEANUP(secret_cleanup)
    struct secret *token = bearer == NULL ? NULL : secret_copy(bearer, strlen(bearer), &err);
    struct http_header headers[] = {
        {.name = slice_of("Content-Type"), .value = slice_of(type)},
        {.name = slice_of("Authorization"), .value = slice_of("Bearer "), .secret = token}};
    struct http_request_options options = {.method = method,
                                           .url = url,
                                           .headers = headers,
                                           .header_count = bearer == NULL ? 1 : 2,
                                           .body = slice_of(body),
                                           .total_timeout_ms = 20000};

    buffer_truncate(&answer, 0);
    is_done = false;
    ck_assert_msg(http_client_start(client, &options, &events, NULL, &err) != NULL, "%s",
                  err.message);
    while (!is_done)
        loop_run_once(loop, 100);
    return answer.data == NULL ? "" : answer.data;
}

/* The string member at `pointer` of the last answer. */
static void read_member(const char *pointer, char *out, size_t size)
{
    struct error err = {0};
    const char *value;
    size_t len;

    ck_assert_msg(json_check(answer.data, answer.len, 32, &err), "%s", err.message);
    ck_assert_msg(json_find(answer.data, answer.len, pointer, &value, &len) && len + 1 < size,
                  "%s is not in %s", pointer, answer.data);
    out[json_unescape_into(value, len, out)] = '\0';
}

static const char *ask_token(const char *secret, const char *scope)
{
    char url[300], body[600];

    snprintf(url, sizeof url, "%s/token", base[ISSUER]);
    snprintf(body, sizeof body,
             "grant_type=client_credentials&client_id=app_local0agent0node0001&scope=%s"
             "&client_secret=%s",
             scope, secret);
    return request("POST", url, NULL, "application/x-www-form-urlencoded", body);
}

static void get_token(const char *scope, char *out, size_t size)
{
    ask_token(client_secret, scope);
    ck_assert_msg(status == 200, "%d %s", status, answer.data);
    read_member("/access_token", out, size);
}

#define PAM_SCOPE "urn%3Acloud%3Aidaas%3Apam%7C.all"
#define ENTERPRISE_SCOPE "https%3A%2F%2Fenterprise.example.com%7Centerprise.access"

START_TEST(what_it_issues_our_gate_accepts)
{
    struct access_token_policy policy = {.issuer = base[ISSUER],
                                         .audience = "https://enterprise.example.com",
                                         .scope = "enterprise.access",
                                         .leeway_s = 60};
    struct access_token_claims claims = {0};
    char url[300], token[4000];
    struct error err = {0};
    const char *reason;
    struct jwks *jwks;

    snprintf(url, sizeof url, "%s/jwks", base[ISSUER]);
    request("GET", url, NULL, "application/json", "");
    ck_assert_int_eq(status, 200);
    jwks = jwks_parse(answer.data, answer.len, &err);
    ck_assert_msg(jwks != NULL, "%s", err.message);
    get_token(ENTERPRISE_SCOPE, token, sizeof token);
    ck_assert_int_eq(
        access_token_check(&policy, jwks, slice_of(token), (int64_t)time(NULL), &claims, &reason),
        ACCESS_GRANTED);
    access_token_claims_clear(&claims);
    policy.audience = "https://agentserver.example.com";
    ck_assert_int_eq(
        access_token_check(&policy, jwks, slice_of(token), (int64_t)time(NULL), &claims, &reason),
        ACCESS_INVALID);
    ck_assert_str_eq(reason, "wrong_audience");
    jwks_free(jwks);
}
END_TEST

START_TEST(a_wrong_secret_is_refused_as_the_service_does)
{
    char code[100];

    ask_token("wrong", PAM_SCOPE);
    ck_assert_int_eq(status, 401);
    read_member("/error", code, sizeof code);
    ck_assert_str_eq(code, "invalid_client");
}
END_TEST

START_TEST(the_vault_gives_the_key_that_opens_the_model)
{
    char token[4000], key[200], url[400], vault[64];
    char config_path[100], text[2000];
    FILE *file;
    size_t len;

    snprintf(config_path, sizeof config_path, "%s/client-config.json", state_dir);
    file = fopen(config_path, "r");
    len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    buffer_truncate(&answer, 0);
    on_data(NULL, text, len);
    read_member("/developerApiEndpoint", vault, sizeof vault);
    get_token(PAM_SCOPE, token, sizeof token);
    snprintf(url, sizeof url,
             "https://%s/v2/idaas_local0stand0in0001/credentials/_/actions/obtain"
             "?credentialIdentifier=llm_api_key",
             vault);
    request("GET", url, "nonsense", "application/json", "");
    ck_assert_int_eq(status, 401);
    request("GET", url, token, "application/json", "");
    ck_assert_msg(status == 200, "%d %s", status, answer.data);
    read_member("/credentialContent/apiKeyContent/apiKey", key, sizeof key);
    snprintf(url, sizeof url, "%s/chat/completions", base[MODEL]);
    request("POST", url, key, "application/json",
            "{\"model\":\"qwen-plus\",\"enable_thinking\":false,"
            "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}");
    ck_assert_msg(status == 200, "%d %s", status, answer.data);
    read_member("/choices/0/message/role", key, sizeof key);
    ck_assert_str_eq(key, "assistant");
    request("POST", url, "sk-wrong", "application/json",
            "{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    ck_assert_int_eq(status, 401);
}
END_TEST

START_TEST(the_enterprise_service_takes_its_own_token_only)
{
    char token[4000];

    request("POST", base[ENTERPRISE], NULL, "application/json", "");
    ck_assert_int_eq(status, 401);
    get_token(PAM_SCOPE, token, sizeof token);
    request("POST", base[ENTERPRISE], token, "application/json", "");
    ck_assert_msg(status == 401 || status == 403, "%d", status);
    get_token(ENTERPRISE_SCOPE, token, sizeof token);
    request("POST", base[ENTERPRISE], token, "application/json", "");
    ck_assert_msg(status == 200, "%d %s", status, answer.data);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_it_issues_our_gate_accepts,
                                  a_wrong_secret_is_refused_as_the_service_does,
                                  the_vault_gives_the_key_that_opens_the_model,
                                  the_enterprise_service_takes_its_own_token_only, NULL};

    return run_tests("journey", tests, setup, teardown);
}
