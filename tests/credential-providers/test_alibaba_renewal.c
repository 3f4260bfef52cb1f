/* How alibaba-cloud keeps a key and renews it, in simulated time: the windows that the vendor's
 * client was measured with, outages, rotation of files, one request for all who wait. */
#include "alibaba_bench.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "credential/platform_credentials.h"

#include "../support/files.h"
#include "../support/run.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static bool is_machine; /* the key comes from the metadata service, else from a URI */
static int64_t lifetimes_s[8];
static size_t lifetime_count, fetches;
static bool is_out_of_order;
static char key_id[32];

static void set_up(void)
{
    static const char *const variables[] = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID",   "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",  "ALIBABA_CLOUD_ROLE_ARN",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
        "ALIBABA_CLOUD_ECS_METADATA",    "ALIBABA_CLOUD_CREDENTIALS_URI",
    };

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    snprintf(folder, sizeof folder, "/tmp/sesame-renewal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("HOME", folder, 1);
    setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1);
    alibaba_set_up();
    is_out_of_order = false;
    is_machine = false;
    fetches = 0;
    lifetime_count = 0;
}

static void tear_down(void)
{
    char path[100];

    alibaba_tear_down();
    snprintf(path, sizeof path, "%s/token", folder);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/ini", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[100];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- a source that gives numbered keys ------------------------------------------------------- */

static void reply_key(struct http_exchange *exchange, const char *prefix, const char *suffix,
                      int64_t lifetime_s)
{
    time_t at = (time_t)(alibaba.wall_s + lifetime_s);
    struct tm utc;
    char expiry[32], body[500];

    gmtime_r(&at, &utc);
    strftime(expiry, sizeof expiry, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(body, sizeof body,
             "%s\"Code\":\"Success\",\"AccessKeyId\":\"STS.N%zu\",\"AccessKeySecret\":"
             "\"canary-secret-%zu\",\"SecurityToken\":\"canary-token-%zu\",\"Expiration\":\"%s\"%s",
             prefix, fetches, fetches, fetches, expiry, suffix);
    alibaba_reply(exchange, 200, "application/json", body);
}

static void answer_numbered(size_t index, const struct alibaba_request *request,
                            struct http_exchange *exchange)
{
    (void)index;
    if (strncmp(request->origin, "https://eiam.", 13) == 0) {
        snprintf(key_id, sizeof key_id, "%.20s", alibaba_header(request, "x-acs-accesskey-id"));
        alibaba_reply(exchange, 200, "application/json",
                      "{\"TokenResponse\":{\"AccessToken\":\"t\",\"ExpiresIn\":1200}}");
    } else if (strcmp(request->method, "PUT") == 0) {
        alibaba_reply(exchange, 200, "text/plain", "FAKE-METADATA-TOKEN==");
    } else {
        int64_t lifetime_s =
            fetches < lifetime_count ? lifetimes_s[fetches] : lifetimes_s[lifetime_count - 1];

        fetches++;
        if (is_out_of_order || lifetime_s == 0)
            alibaba_reply(exchange, 500, "text/plain", "out of order");
        else
            reply_key(exchange, "{", "}", lifetime_s);
    }
}

static void open_numbered(void)
{
    char config[200];

    alibaba.answer = answer_numbered;
    if (is_machine) {
        setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "false", 1);
        alibaba_open("\"ecsRamRole\":\"fake-ecs-role\"");
        return;
    }
    snprintf(config, sizeof config, "\"credentialsUri\":\"%s/key\"", alibaba.url);
    alibaba_open(config);
}

/* One token; how often the source was asked for it. */
static size_t fetch_at(int64_t at_s)
{
    size_t before = fetches;

    alibaba.wall_s = ALIBABA_NOW_S + at_s;
    alibaba_fetch(NULL);
    alibaba_forget_requests();
    return fetches - before;
}

/* ---- the vendor's timelines ------------------------------------------------------------------ */

static void run_timeline(struct json_object *vector)
{
    const char *name = member_text(vector, "name");
    struct json_object *lifetimes = json_get_array(vector, "lifetimes_s");
    struct json_object *timeline = json_get_array(vector, "timeline");

    set_up();
    is_machine = strncmp(name, "window_imds_", 12) == 0;
    lifetime_count = json_object_array_length(lifetimes);
    for (size_t i = 0; i < lifetime_count; i++)
        lifetimes_s[i] = json_object_get_int64(json_object_array_get_idx(lifetimes, i));
    open_numbered();
    for (size_t i = 0; i < json_object_array_length(timeline); i++) {
        struct json_object *point = json_object_array_get_idx(timeline, i);
        int64_t at_s = 0, wanted = 0;
        size_t made;

        json_get_int64(point, "at_s", &at_s);
        json_get_int64(point, "fetches", &wanted);
        made = fetch_at(at_s);
        ck_assert_msg(alibaba.err.code == ERROR_NONE, "%s at %d: %s", name, (int)at_s,
                      alibaba.err.message);
        ck_assert_msg((int64_t)made == wanted, "%s at %d s: %zu fetches", name, (int)at_s, made);
        ck_assert_str_eq(key_id, member_text(point, "access_key_id"));
    }
    tear_down();
}

START_TEST(a_key_is_renewed_when_the_vendors_client_renews_it)
{
    /* Of the other three, two are defects of the SDK (a fetch at every call) and one hands out an
     * expired key: see the tests below. */
    static const char *const names[] = {"window_uri_3600", "window_uri_failure",
                                        "window_imds_21600"};
    struct json_object *vectors = load_vectors("alibaba-credential-chain.json");
    struct json_object *cases = json_get_array(vectors, "cases");
    size_t run_count = 0;

    tear_down();
    for (size_t i = 0; i < json_object_array_length(cases); i++)
        for (size_t n = 0; n < 3; n++) {
            struct json_object *vector = json_object_array_get_idx(cases, i);

            if (strcmp(member_text(vector, "name"), names[n]) != 0)
                continue;
            run_timeline(vector);
            run_count++;
        }
    ck_assert_uint_eq(run_count, 3);
    json_object_put(vectors);
    set_up();
}
END_TEST

START_TEST(short_lived_keys_are_not_fetched_at_every_call)
{
    lifetimes_s[0] = 900; /* window_uri_900 */
    lifetime_count = 1;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    ck_assert_uint_eq(fetch_at(1), 0);
    ck_assert_uint_eq(fetch_at(674), 0);
    ck_assert_uint_eq(fetch_at(675), 1);
}
END_TEST

START_TEST(a_key_of_half_a_day_is_renewed_a_quarter_of_an_hour_before_its_end)
{
    lifetimes_s[0] = 43200;
    lifetime_count = 1;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    ck_assert_uint_eq(fetch_at(42299), 0);
    ck_assert_uint_eq(fetch_at(42300), 1);
}
END_TEST

START_TEST(a_machines_key_of_an_hour_is_not_fetched_at_every_call)
{
    lifetimes_s[0] = 3600; /* window_imds_3600 */
    lifetime_count = 1;
    is_machine = true;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    ck_assert_uint_eq(fetch_at(2699), 0);
    ck_assert_uint_eq(fetch_at(2700), 1);
}
END_TEST

START_TEST(an_answer_that_has_expired_does_not_replace_a_key_that_lives)
{
    lifetimes_s[0] = 3600; /* window_uri_expired_answer */
    lifetimes_s[1] = lifetimes_s[2] = -10;
    lifetimes_s[3] = 3600;
    lifetime_count = 4;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    ck_assert_uint_eq(fetch_at(2700), 1);
    ck_assert_str_eq(key_id, "STS.N1");
    ck_assert_uint_eq(fetch_at(2701), 1);
    ck_assert_str_eq(key_id, "STS.N1");
    ck_assert_uint_eq(fetch_at(2702), 1);
    ck_assert_str_eq(key_id, "STS.N4");
}
END_TEST

START_TEST(an_old_key_serves_until_ten_seconds_before_it_expires)
{
    lifetimes_s[0] = 3600;
    lifetime_count = 1;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    is_out_of_order = true;
    ck_assert_uint_eq(fetch_at(3589), 1);
    ck_assert_int_eq(alibaba.err.code, ERROR_NONE);
    ck_assert_str_eq(key_id, "STS.N1");
    /* Twice in a second is one try. */
    ck_assert_uint_eq(fetch_at(3589), 0);
    ck_assert_int_eq(alibaba.err.code, ERROR_NONE);
    ck_assert_uint_eq(fetch_at(3590), 1);
    ck_assert_int_eq(alibaba.err.code, ERROR_UPSTREAM);
    ck_assert_ptr_nonnull(
        strstr(alibaba.err.message, "credential_uri: the credentials URI: HTTP 500"));
    /* The source that worked once is asked alone: another one would be another identity. */
    ck_assert_ptr_null(strstr(alibaba.err.message, "env:"));
    is_out_of_order = false;
    ck_assert_uint_eq(fetch_at(3591), 1);
    ck_assert_int_eq(alibaba.err.code, ERROR_NONE);
}
END_TEST

START_TEST(a_key_that_is_refused_as_expired_is_fetched_anew)
{
    lifetimes_s[0] = 3600;
    lifetime_count = 1;
    open_numbered();
    ck_assert_uint_eq(fetch_at(0), 1);
    alibaba_answer_once("https://eiam.", 400, "{\"Code\":\"InvalidSecurityToken.Expired\"}");
    ck_assert_uint_eq(fetch_at(100), 1);
    ck_assert_int_eq(alibaba.err.code, ERROR_NONE);
    ck_assert_str_eq(key_id, "STS.N2");
}
END_TEST

START_TEST(all_who_wait_share_one_request)
{
    lifetimes_s[0] = 3600;
    lifetime_count = 1;
    open_numbered();
    alibaba_fetch_many(8);
    ck_assert_int_eq(alibaba.err.code, ERROR_NONE);
    ck_assert_uint_eq(fetches, 1);
    ck_assert_uint_eq(alibaba.seen_count, 9);
}
END_TEST

START_TEST(the_log_names_a_source_once_and_masks_the_key)
{
    lifetimes_s[0] = 3600;
    lifetime_count = 1;
    open_numbered();
    (void)fetch_at(0);
    (void)fetch_at(1);
    ck_assert_int_eq(alibaba.source_log_count, 1);
    ck_assert_str_eq(alibaba.source, "credential_uri");
}
END_TEST

/* ---- files and roles ------------------------------------------------------------------------- */

static void answer_roles(size_t index, const struct alibaba_request *request,
                         struct http_exchange *exchange)
{
    (void)index;
    if (strncmp(request->origin, "https://sts", 11) == 0) {
        fetches++;
        reply_key(exchange, "{\"Credentials\":{", "}}", 3600);
        return;
    }
    alibaba_reply(exchange, 200, "application/json",
                  "{\"TokenResponse\":{\"AccessToken\":\"t\",\"ExpiresIn\":1200}}");
}

START_TEST(a_rotated_cluster_token_is_read_anew)
{
    char path[100];

    snprintf(path, sizeof path, "%s/token", folder);
    setenv("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r", 1);
    setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p", 1);
    setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", path, 1);
    write_file("token", "first-token\n");
    alibaba.answer = answer_roles;
    alibaba_open("");
    alibaba_fetch(NULL);
    ck_assert_ptr_nonnull(strstr(alibaba.seen[0].body, "OIDCToken=first-token&"));
    write_file("token", "second-token\n");
    alibaba.wall_s += 2700;
    alibaba_fetch(NULL);
    ck_assert_uint_eq(alibaba.seen_count, 4);
    ck_assert_ptr_nonnull(strstr(alibaba.seen[2].body, "OIDCToken=second-token&"));
}
END_TEST

START_TEST(a_profile_that_was_changed_is_used_at_once)
{
    char path[100];

    snprintf(path, sizeof path, "%s/ini", folder);
    setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", path, 1);
    write_file("ini",
               "# keys\n[other]\ntype=access_key\naccess_key_id=OTHER\n\n"
               "[default]\n ; a note\ntype = access_key\naccess_key_id = FIRSTKEY\n"
               "access_key_secret=canary-1\n[last]\ntype=nope\n");
    alibaba.answer = answer_roles;
    alibaba_open("");
    alibaba_fetch(NULL);
    ck_assert(alibaba_signed_with(&alibaba.seen[0], "FIRSTKEY", "canary-1"));
    write_file("ini",
               "[default]\r\ntype=access_key\r\naccess_key_id=SECONDKEY\r\n"
               "access_key_secret=canary-2\r\n");
    alibaba_fetch(NULL);
    ck_assert(alibaba_signed_with(&alibaba.seen[1], "SECONDKEY", "canary-2"));
    unsetenv("ALIBABA_CLOUD_CREDENTIALS_FILE");
}
END_TEST

START_TEST(roles_are_assumed_one_on_top_of_the_other)
{
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "BASEKEY", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary-base", 1);
    alibaba.answer = answer_roles;
    alibaba_open(
        "\"assumeRoles\":[{\"roleArn\":\"acs:ram::1:role/a\"},"
        "{\"roleArn\":\"acs:ram::2:role/b\",\"externalId\":\"x\"}]");
    alibaba_fetch(NULL);
    ck_assert_uint_eq(alibaba.seen_count, 3);
    ck_assert(alibaba_signed_with(&alibaba.seen[0], "BASEKEY", "canary-base"));
    ck_assert_ptr_nonnull(strstr(alibaba.seen[0].target, "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fa"));
    ck_assert(alibaba_signed_with(&alibaba.seen[1], "STS.N1", "canary-secret-1"));
    ck_assert_ptr_nonnull(strstr(alibaba.seen[1].target, "ExternalId=x"));
    ck_assert(alibaba_signed_with(&alibaba.seen[2], "STS.N2", "canary-secret-2"));
    ck_assert_str_eq(alibaba_header(&alibaba.seen[2], "x-acs-security-token"), "canary-token-2");
    /* Kept, though the key below has no expiry. */
    alibaba_fetch(NULL);
    ck_assert_uint_eq(alibaba.seen_count, 4);
}
END_TEST

static void nothing(void *arg)
{
    (void)arg;
}

static void put_platform_key(const char *id, const char *secret, const char *token)
{
    struct error err = {0};
    struct platform_key key = {secret_copy(id, strlen(id), &err),
                               secret_copy(secret, strlen(secret), &err),
                               secret_copy(token, strlen(token), &err), clock_monotonic_ms()};

    platform_credentials_put(alibaba.platform, &key);
}

START_TEST(the_platforms_newest_key_comes_before_the_environments_copy)
{
    struct error err = {0};

    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.ENVIRONMENT", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary-secret-0", 1);
    setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "canary-token-0", 1);
    alibaba.answer = answer_roles;
    alibaba.platform = platform_credentials_new(nothing, NULL, &err);
    alibaba_open("");
    alibaba_fetch(NULL); /* before the first request */
    ck_assert(alibaba_signed_with(&alibaba.seen[0], "STS.ENVIRONMENT", "canary-secret-0"));
    put_platform_key("STS.PLATFORM1", "canary-secret-1", "canary-token-1");
    alibaba_fetch(NULL);
    ck_assert(alibaba_signed_with(&alibaba.seen[1], "STS.PLATFORM1", "canary-secret-1"));
    ck_assert_str_eq(alibaba_header(&alibaba.seen[1], "x-acs-security-token"), "canary-token-1");
    ck_assert_str_eq(alibaba.source, "platform");
    put_platform_key("STS.PLATFORM2", "canary-secret-2", "canary-token-2");
    alibaba_fetch(NULL);
    ck_assert(alibaba_signed_with(&alibaba.seen[2], "STS.PLATFORM2", "canary-secret-2"));
    ck_assert_ptr_null(strstr(alibaba.log, "canary"));
    alibaba_close();
    platform_credentials_free(alibaba.platform);
}
END_TEST

START_TEST(profiles_that_lead_in_a_circle_are_noticed)
{
    char path[200], config[300];

    write_file("ini",
               "{\"current\":\"a\",\"profiles\":[{\"name\":\"a\",\"mode\":"
               "\"ChainableRamRoleArn\",\"source_profile\":\"b\",\"ram_role_arn\":\"r\"},"
               "{\"name\":\"b\",\"mode\":\"ChainableRamRoleArn\",\"source_profile\":\"a\","
               "\"ram_role_arn\":\"r\"}]}");
    snprintf(path, sizeof path, "%s/ini", folder);
    snprintf(config, sizeof config, "\"cliProfileFile\":\"%s\"", path);
    alibaba_open(config);
    alibaba_fetch(NULL);
    ck_assert_msg(strstr(alibaba.err.message, "is it a circle?") != NULL, "%s",
                  alibaba.err.message);
}
END_TEST

START_TEST(a_region_and_a_role_name_cannot_lead_elsewhere)
{
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "BASEKEY", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary-base", 1);
    alibaba_open("\"stsRegion\":\"evil.example/\",\"assumeRoles\":[{\"roleArn\":\"r\"}]");
    alibaba_fetch(NULL);
    ck_assert_ptr_nonnull(strstr(alibaba.err.message, "the STS region is \"evil.example/\""));
    alibaba_close();
    setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "false", 1);
    alibaba_open("\"ecsRamRole\":\"../../user-data\"");
    alibaba_fetch(NULL);
    ck_assert_ptr_nonnull(strstr(alibaba.err.message, "the role name \"../../user-data\""));
    ck_assert_uint_eq(alibaba.seen_count, 0);
}
END_TEST

START_TEST(a_key_that_would_break_a_header_is_refused)
{
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "BASE\nKEY", 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary-base", 1);
    alibaba_open("");
    alibaba_fetch(NULL);
    ck_assert_ptr_nonnull(strstr(alibaba.err.message, "env: the access key id holds blanks"));
    ck_assert_uint_eq(alibaba.seen_count, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_key_is_renewed_when_the_vendors_client_renews_it,
        short_lived_keys_are_not_fetched_at_every_call,
        a_key_of_half_a_day_is_renewed_a_quarter_of_an_hour_before_its_end,
        a_machines_key_of_an_hour_is_not_fetched_at_every_call,
        an_answer_that_has_expired_does_not_replace_a_key_that_lives,
        an_old_key_serves_until_ten_seconds_before_it_expires,
        a_key_that_is_refused_as_expired_is_fetched_anew,
        all_who_wait_share_one_request,
        the_log_names_a_source_once_and_masks_the_key,
        a_rotated_cluster_token_is_read_anew,
        a_profile_that_was_changed_is_used_at_once,
        roles_are_assumed_one_on_top_of_the_other,
        the_platforms_newest_key_comes_before_the_environments_copy,
        profiles_that_lead_in_a_circle_are_noticed,
        a_region_and_a_role_name_cannot_lead_elsewhere,
        a_key_that_would_break_a_header_is_refused,
        NULL,
    };

    return run_tests("alibaba_renewal", tests, set_up, tear_down);
}
