/* The credential chain of alibaba-cloud against what the vendor's client did: every case of
 * tests/vectors/alibaba-credential-chain.json. Where ours is meant to differ the row says why. */
#include "alibaba_bench.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include "../support/files.h"
#include "../support/run.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROLE \
    "\"roleArn\":\"acs:ram::123456789012****:role/fake-role\",\"sessionName\":\"sesame-session\""

/* What a case needs besides its own members, and where ours differs. */
struct row {
    const char *name;
    const char *config;              /* members of our configuration */
    const char *id, *secret, *token; /* the base key of AssumeRole */
    const char *reason;              /* of our failure; NULL where the case succeeds */
    bool is_refused_at_start;
    int skipped_exchange; /* an exchange that ours does without, counted from 1 */
};

static const struct row rows[] = {
    /* The SDK reads the environment at each call. Ours takes it once, into locked memory, and
     * overwrites it: the environment of a running process only ages. */
    {.name = "env_rotation"},
    {.name = "env_missing_id", .reason = "env: ALIBABA_CLOUD_ACCESS_KEY_ID is not set"},
    {.name = "env_missing_secret", .reason = "env: ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set"},
    /* The SDK asks a host named "undefined" when there is no URI. */
    {.name = "chain_nothing",
     .reason = "env: ALIBABA_CLOUD_ACCESS_KEY_ID is not set; oidc_role_arn: ALIBABA_CLOUD_ROLE_ARN "
               "is not set; cli_profile: there is no profile file; "
               "profile: there is no credentials file; ecs_ram_role: "
               "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED; credential_uri: "
               "ALIBABA_CLOUD_CREDENTIALS_URI is not set"},
    {.name = "chain_nothing_imds_refuses",
     .reason = "ecs_ram_role: the machine has no RAM role: HTTP 404; credential_uri:"},
    {.name = "oidc_policy_duration",
     .config = "\"oidcPolicy\":\"{\\\"Version\\\":\\\"1\\\"}\",\"oidcDurationSeconds\":900"},
    {.name = "oidc_http_error", .reason = "STS: HTTP 400 AuthenticationFail.OIDCToken.Invalid"},
    {.name = "oidc_no_credentials", .reason = "oidc_role_arn: the answer has no Expiration"},
    {.name = "oidc_missing_file", .reason = "oidc.token is not there"},
    {.name = "oidc_missing_role", .reason = "oidc_role_arn: ALIBABA_CLOUD_ROLE_ARN is not set"},
    {.name = "oidc_missing_provider",
     .reason = "oidc_role_arn: ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not set"},
    {.name = "oidc_missing_token_file",
     .reason = "oidc_role_arn: ALIBABA_CLOUD_OIDC_TOKEN_FILE is not set"},
    {.name = "oidc_short_duration",
     .config = "\"oidcDurationSeconds\":899",
     .reason = "oidcDurationSeconds",
     .is_refused_at_start = true},
    {.name = "assume_role_ak",
     .config = "\"assumeRoles\":[{" ROLE "}]",
     .id = "LTAIFAKEBASE",
     .secret = "FakeBaseSecret"},
    {.name = "assume_role_sts",
     .config = "\"assumeRoles\":[{" ROLE "}]",
     .id = "STS.FAKEBASE",
     .secret = "FakeBaseSecret",
     .token = "FakeBaseToken+/="},
    {.name = "assume_role_policy",
     .config = "\"stsRegion\":\"cn-shanghai\",\"assumeRoles\":[{" ROLE ",\"durationSeconds\":1800,"
               "\"externalId\":\"ext id'(1)*!\",\"policy\":\"{\\\"Version\\\":\\\"1\\\","
               "\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":"
               "[\\\"eiam:GenerateOauthToken\\\"],\\\"Resource\\\":\\\"*\\\"}]}\"}]",
     .id = "LTAIFAKEBASE",
     .secret = "FakeBaseSecret"},
    {.name = "assume_role_error",
     .config = "\"assumeRoles\":[{" ROLE "}]",
     .id = "LTAIFAKEBASE",
     .secret = "FakeBaseSecret",
     .reason = "env: STS: HTTP 403 NoPermission: You are not authorized"},
    {.name = "assume_role_bad_secret",
     .config = "\"assumeRoles\":[{" ROLE "}]",
     .id = "LTAIFAKEBASE",
     .secret = "FakeBaseSecret",
     .reason = "SignatureDoesNotMatch"},
    {.name = "assume_role_no_credentials",
     .config = "\"assumeRoles\":[{" ROLE "}]",
     .id = "LTAIFAKEBASE",
     .secret = "FakeBaseSecret",
     .reason = "env: the answer has no Expiration"},
    {.name = "assume_role_no_role",
     .config = "\"assumeRoles\":[{\"roleArn\":\"\"}]",
     .reason = "roleArn",
     .is_refused_at_start = true},
    /* One metadata token serves both questions. */
    {.name = "imds_v2_discover_role", .skipped_exchange = 3},
    {.name = "imds_v1_disabled_put_fails",
     .reason = "the metadata service gives no token (HTTP 404), and going without one is switched "
               "off"},
    {.name = "imds_v1_disabled_get_fails", .reason = "HTTP 403"},
    {.name = "imds_disabled", .reason = "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED"},
    {.name = "imds_no_role", .reason = "the machine has no RAM role: HTTP 404"},
    /* Only the JavaScript SDK asks again for an answer that is complete but wrong. */
    {.name = "imds_code_not_success", .reason = "Code is not Success", .skipped_exchange = 3},
    {.name = "imds_not_json", .reason = "or it is not JSON", .skipped_exchange = 3},
    {.name = "imds_missing_member",
     .reason = "the answer has no Expiration",
     .skipped_exchange = 3},
    /* As the Java and Python SDKs. */
    {.name = "uri_ok_without_code", .reason = "Code is not Success"},
    {.name = "uri_http_error", .reason = "credential_uri: the credentials URI: HTTP 404"},
    {.name = "uri_not_json", .reason = "or it is not JSON"},
    {.name = "uri_missing_member", .reason = "Code is not Success"},
    /* Modes for people at a terminal. */
    {.name = "cli_cloud_sso", .reason = "mode CloudSSO needs a person", .skipped_exchange = 1},
    {.name = "cli_cloud_sso_expired", .reason = "mode CloudSSO needs a person"},
    {.name = "cli_oauth", .reason = "mode OAuth needs a person", .skipped_exchange = 1},
    {.name = "cli_oauth_refresh", .reason = "mode OAuth needs a person", .skipped_exchange = -1},
    {.name = "cli_external", .config = "\"externalProgram\":\"/bin/echo\""},
    {.name = "cli_external_bad",
     .config = "\"externalProgram\":\"/bin/echo\"",
     .reason = "did not print JSON with the mode AK or StsToken"},
    {.name = "cli_unknown_mode", .reason = "unsupported profile mode 'Nope'"},
    {.name = "cli_profile_missing", .reason = "unable to get profile with 'missing'"},
    {.name = "cli_no_file", .reason = "cli_profile: there is no profile file"},
    {.name = "cli_bad_json", .reason = "the profile file is not JSON"},
    {.name = "cli_no_profiles", .reason = "no any configured profiles"},
    {.name = "cli_disabled", .reason = "switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED"},
    {.name = "ini_no_type", .reason = "Can not find credential type for \"default\""},
    {.name = "ini_bad_type", .reason = "Invalid type option"},
};

static const struct row *find_row(const char *name)
{
    static const struct row none = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return &none;
}

/* ---- the world of a case --------------------------------------------------------------------- */

static char home[64];
static struct json_object *expected[16]; /* exchanges */
static size_t expected_count;

static const char *const variables[] = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID",        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",       "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",    "ALIBABA_CLOUD_STS_REGION",
    "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_ECS_METADATA",         "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "ALIBABA_CLOUD_IMDSV1_DISABLED",      "ALIBABA_CLOUD_CREDENTIALS_URI",
};

/* "$HOME" and "127.0.0.1:PORT" filled in. */
static void fill_in(const char *text, char *out, size_t size)
{
    size_t used = 0;

    while (*text != '\0') {
        const char *put = NULL;
        size_t skip = 1;

        if (strncmp(text, "$HOME", 5) == 0) {
            put = home;
            skip = 5;
        } else if (strncmp(text, "127.0.0.1:PORT", 14) == 0) {
            put = strstr(alibaba.url, "127.");
            skip = 14;
        }
        used += put != NULL ? (size_t)snprintf(out + used, size - used, "%s", put)
                            : (size_t)snprintf(out + used, size - used, "%c", *text);
        ck_assert_uint_lt(used, size);
        text += skip;
    }
    out[used] = '\0';
}

static void write_file(const char *name, const char *text)
{
    char path[200], folder[200], filled[8192];
    char *slash;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", home, name);
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    *slash = '\0';
    (void)mkdir(folder, 0700);
    fill_in(text, filled, sizeof filled);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(filled, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void remove_home(void)
{
    static const char *const names[] = {".aliyun/config.json",
                                        ".aliyun",
                                        ".alibabacloud/credentials",
                                        ".alibabacloud",
                                        "oidc.token",
                                        "tok",
                                        "cred.ini",
                                        ""};
    char path[200];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", home, names[i]);
        (void)remove(path);
    }
}

static bool asks_metadata(struct json_object *vector)
{
    return strncmp(member_text(vector, "name"), "imds_", 5) == 0 ||
           strstr(member_text(vector, "exchanges"), "100.100.100.200") != NULL;
}

static void set_environment(struct json_object *vector, const struct row *row)
{
    struct json_object *env = json_get_object(vector, "env");
    char filled[2000];

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    setenv("HOME", home, 1);
    /* Cases of one source alone: the machine is not asked. */
    if (!asks_metadata(vector))
        setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1);
    if (env != NULL) {
        json_object_object_foreach(env, name, value)
        {
            fill_in(json_object_get_string(value), filled, sizeof filled);
            setenv(name, filled, 1);
        }
    }
    if (row->id != NULL)
        setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", row->id, 1);
    if (row->secret != NULL)
        setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", row->secret, 1);
    if (row->token != NULL)
        setenv("ALIBABA_CLOUD_SECURITY_TOKEN", row->token, 1);
}

static void write_files(struct json_object *vector)
{
    struct json_object *files = json_get_object(vector, "files"), *cli = NULL;

    if (json_object_object_get_ex(vector, "cli_config", &cli) && cli != NULL)
        write_file(".aliyun/config.json", json_object_get_string(cli));
    if (member_text(vector, "ini") != NULL)
        write_file(".alibabacloud/credentials", member_text(vector, "ini"));
    if (files == NULL)
        return;
    json_object_object_foreach(files, name, value)
    {
        write_file(name, json_object_get_string(value));
    }
}

/* The exchanges that ours makes too. */
static void list_expected(struct json_object *vector, const struct row *row)
{
    struct json_object *exchanges = json_get_array(vector, "exchanges");

    expected_count = 0;
    for (size_t i = 0; i < json_object_array_length(exchanges); i++) {
        struct json_object *exchange = json_object_array_get_idx(exchanges, i);

        if (strcmp(member_text(exchange, "host"), "undefined") != 0 &&
            row->skipped_exchange != -1 && row->skipped_exchange != (int)i + 1)
            expected[expected_count++] = exchange;
    }
}

static void answer_case(size_t index, const struct alibaba_request *request,
                        struct http_exchange *exchange)
{
    struct json_object *response;
    int64_t status = 0;

    (void)request;
    if (index >= expected_count) {
        alibaba_reply(exchange, 200, "application/json",
                      "{\"TokenResponse\":{\"AccessToken\":\"canary-token\",\"ExpiresIn\":1200}}");
        return;
    }
    response = json_get_object(expected[index], "response");
    json_get_int64(response, "status", &status);
    alibaba_reply(exchange, (int)status, "application/json", member_text(response, "body"));
}

/* ---- requests compared ----------------------------------------------------------------------- */

/* Protocol parameters: those of the older signature travel as headers in ours. */
static bool is_protocol(struct slice name)
{
    static const char *const names[] = {
        "Version",          "Action",         "Format",      "Timestamp",     "SignatureMethod",
        "SignatureVersion", "SignatureNonce", "AccessKeyId", "SecurityToken", "Signature"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_text(name, names[i]))
            return true;
    return false;
}

/* Adds "name=value" lines, decoded, in the order of the text. */
static void add_pairs(struct slice text, bool skips_protocol, struct buffer *out)
{
    struct error err = {0};

    while (text.len > 0) {
        struct slice value = slice_cut(&text, '&');
        struct slice name = slice_cut(&value, '=');

        if (skips_protocol && is_protocol(name))
            continue;
        ck_assert(buffer_add(out, name.data, name.len, &err) && buffer_add(out, "=", 1, &err) &&
                  percent_decode(value.data, value.len, true, out, &err) &&
                  buffer_add(out, "\n", 1, &err));
    }
}

static struct slice query_of(const char *target)
{
    const char *query = strchr(target, '?');

    return slice_of(query == NULL ? "" : query + 1);
}

static bool has_line(const char *lines, struct slice line)
{
    struct slice rest = slice_of(lines);

    while (rest.len > 0)
        if (slice_equal(slice_cut(&rest, '\n'), line))
            return true;
    return false;
}

/* AssumeRole goes with the newer signature: the same parameters, in whatever order. */
static void compare_assume_role(const char *name, struct json_object *wanted,
                                const struct alibaba_request *request, const struct row *row)
{
    struct buffer ours, theirs;
    struct slice rest;
    size_t count = 0;

    buffer_init(&ours, 8192);
    buffer_init(&theirs, 8192);
    add_pairs(query_of(request->target), true, &ours);
    add_pairs(query_of(member_text(wanted, "target")), true, &theirs);
    add_pairs(slice_of(member_text(wanted, "body")), true, &theirs);
    ck_assert_uint_eq(ours.len, theirs.len);
    for (rest = (struct slice){theirs.data, theirs.len}; rest.len > 0; count++) {
        struct slice line = slice_cut(&rest, '\n');

        ck_assert_msg(has_line(ours.data, line), "%s: no %.*s in\n%s", name, (int)line.len,
                      line.data, ours.data);
    }
    ck_assert_uint_ge(count, 3);
    ck_assert_str_eq(alibaba_header(request, "x-acs-action"), "AssumeRole");
    ck_assert_str_eq(alibaba_header(request, "x-acs-version"), "2015-04-01");
    if (row->id != NULL) {
        ck_assert(alibaba_signed_with(request, row->id, row->secret));
        if (row->token != NULL)
            ck_assert_str_eq(alibaba_header(request, "x-acs-security-token"), row->token);
    }
    buffer_clear(&ours);
    buffer_clear(&theirs);
}

static void compare_body(const char *name, struct json_object *wanted,
                         const struct alibaba_request *request)
{
    struct buffer ours, theirs;
    char *at;

    buffer_init(&ours, 8192);
    buffer_init(&theirs, 8192);
    add_pairs(slice_of(request->body), false, &ours);
    add_pairs(slice_of(member_text(wanted, "body")), false, &theirs);
    /* Two of the SDK's habits are not ours: a token file's line break is not sent, and a session
     * without a name is named after us. */
    if (strcmp(name, "oidc_policy_duration") == 0) {
        at = strstr(theirs.data, "/=\n\n");
        ck_assert_ptr_nonnull(at);
        memmove(at + 3, at + 4, strlen(at + 4) + 1);
    }
    if (strcmp(name, "oidc_default_session_name") == 0) {
        ck_assert_ptr_nonnull(strstr(ours.data, "RoleSessionName=sesame-1772352000\n"));
    } else {
        ck_assert_str_eq(ours.data == NULL ? "" : ours.data,
                         theirs.data == NULL ? "" : theirs.data);
    }
    buffer_clear(&ours);
    buffer_clear(&theirs);
}

static void compare_headers(struct json_object *wanted, const struct alibaba_request *request)
{
    static const char *const metadata[] = {"x-aliyun-ecs-metadata-token",
                                           "x-aliyun-ecs-metadata-token-ttl-seconds"};
    struct json_object *headers = json_get_array(wanted, "headers");
    const char *text = member_text(wanted, "headers");

    for (size_t i = 0; i < json_object_array_length(headers); i++) {
        struct json_object *pair = json_object_array_get_idx(headers, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));

        if (strcasecmp(name, "content-length") == 0 ||
            strcasecmp(name, "x-acs-credentials-provider") == 0)
            continue;
        ck_assert_ptr_nonnull(alibaba_header(request, name));
        ck_assert_str_eq(alibaba_header(request, name),
                         json_object_get_string(json_object_array_get_idx(pair, 1)));
    }
    for (size_t i = 0; i < 2; i++) {
        char quoted[80];

        snprintf(quoted, sizeof quoted, "\"%s\"", metadata[i]);
        if (strstr(text, quoted) == NULL)
            ck_assert_ptr_null(alibaba_header(request, metadata[i]));
    }
}

static void compare_request(const char *name, struct json_object *wanted,
                            const struct alibaba_request *request, const struct row *row)
{
    char origin[300], filled[300];
    int64_t connect_ms = 0, read_ms = 0;

    snprintf(origin, sizeof origin, "%s://%s", member_text(wanted, "scheme"),
             member_text(wanted, "host"));
    fill_in(origin, filled, sizeof filled);
    ck_assert_str_eq(request->origin, filled);
    ck_assert_str_eq(request->method, member_text(wanted, "method"));
    json_get_int64(wanted, "connect_timeout_ms", &connect_ms);
    json_get_int64(wanted, "read_timeout_ms", &read_ms);
    ck_assert_int_le(request->timeout_ms, connect_ms + read_ms);
    ck_assert_int_gt(request->timeout_ms, connect_ms);
    if (strstr(member_text(wanted, "target"), "SignatureMethod=HMAC-SHA1") != NULL) {
        compare_assume_role(name, wanted, request, row);
        return;
    }
    ck_assert_str_eq(request->target, member_text(wanted, "target"));
    compare_headers(wanted, request);
    compare_body(name, wanted, request);
}

/* ---- results --------------------------------------------------------------------------------- */

/* "default/env" and "env" are the same; roles on top are not named. */
static void compare_source(const char *name, const char *wanted)
{
    if (strncmp(wanted, "default/", 8) == 0)
        wanted += 8;
    if (strncmp(name, "assume_role_", 12) == 0)
        wanted = "env";
    ck_assert_msg(strncmp(alibaba.source, wanted, strlen(wanted)) == 0, "%s: %s, expected %s", name,
                  alibaba.source, wanted);
}

static void compare_key(const char *name, struct json_object *result)
{
    const struct alibaba_request *request = &alibaba.seen[alibaba.seen_count - 1];
    const char *token = member_text(result, "security_token");
    const char *sent = alibaba_header(request, "x-acs-security-token");

    ck_assert_msg(alibaba.err.code == ERROR_NONE, "%s: %s", name, alibaba.err.message);
    ck_assert_str_eq(alibaba.token, "canary-token");
    ck_assert_str_eq(request->origin, "https://eiam.cn-hangzhou.aliyuncs.com");
    ck_assert_msg(alibaba_signed_with(request, member_text(result, "access_key_id"),
                                      member_text(result, "access_key_secret")),
                  "%s: %s", name, request->headers);
    sent = alibaba_header(request, "x-acs-security-token");
    if (token == NULL || token[0] == '\0')
        ck_assert_ptr_null(sent);
    else
        ck_assert_str_eq(sent, token);
    compare_source(name, member_text(result, "provider_name"));
}

/* No secret of the case is in what people read. */
static void check_silence(struct json_object *vector)
{
    static const char *const secrets[] = {
        "FakeSecret", "FakeStsSecret", "FakeSecurityToken", "CLISK",   "INISK",    "CLITOK",
        "SRCSK",      "FAKE-METADATA", "FakeBaseSecret",    "{broken", "FAKE-SSO", "FAKE-RT"};

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        ck_assert_msg(strstr(alibaba.err.message, secrets[i]) == NULL, "%s: %s",
                      member_text(vector, "name"), alibaba.err.message);
        ck_assert_msg(strstr(alibaba.log, secrets[i]) == NULL, "%s: %s",
                      member_text(vector, "name"), alibaba.log);
    }
}

static void run_case(struct json_object *vector)
{
    const char *name = member_text(vector, "name");
    const struct row *row = find_row(name);
    struct json_object *result = json_object_array_get_idx(json_get_array(vector, "results"), 0);
    struct error err = {0};

    snprintf(home, sizeof home, "/tmp/sesame-chain-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    alibaba_set_up();
    set_environment(vector, row);
    write_files(vector);
    list_expected(vector, row);
    alibaba.answer = answer_case;
    alibaba.may_block = true;
    if (row->is_refused_at_start) {
        ck_assert(!alibaba_try(row->config, &err));
        ck_assert_msg(strstr(err.message, row->reason) != NULL, "%s: %s", name, err.message);
    } else {
        alibaba_open(row->config == NULL ? "" : row->config);
        alibaba_fetch(NULL);
        for (size_t i = 0; i < expected_count && i < alibaba.seen_count; i++)
            compare_request(name, expected[i], &alibaba.seen[i], row);
        if (row->reason == NULL) {
            compare_key(name, result);
            ck_assert_uint_eq(alibaba.seen_count, expected_count + 1);
        } else {
            ck_assert_msg(alibaba.err.code == ERROR_UPSTREAM &&
                              strstr(alibaba.err.message, row->reason) != NULL,
                          "%s: %s, expected %s", name, alibaba.err.message, row->reason);
            ck_assert_uint_eq(alibaba.seen_count, expected_count);
        }
        check_silence(vector);
    }
    alibaba_tear_down();
    remove_home();
}

START_TEST(every_case_of_the_vendors_client)
{
    struct json_object *vectors = load_vectors("alibaba-credential-chain.json");
    struct json_object *cases = json_get_array(vectors, "cases");
    int run_count = 0;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *vector = json_object_array_get_idx(cases, i);

        /* test_alibaba_renewal.c has these. */
        if (strncmp(member_text(vector, "name"), "window_", 7) == 0)
            continue;
        run_case(vector);
        run_count++;
    }
    ck_assert_int_eq(run_count, 72);
    json_object_put(vectors);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_case_of_the_vendors_client,
        NULL,
    };

    return run_tests("alibaba_chain", tests, NULL, NULL);
}
