/* The scripted host for plugin authors: its HTTP answers, its credentials, its programs. */
#include "../support/run.h"
#include "scripted_plugin.h"

#include <stdio.h>

static struct sesame_test_host *host;
static struct sesame_test_instance *tool;

static void open_host(void)
{
    static const char *const credentials[] = {"svc", "users", NULL};
    static const char *const origins[] = {"https://api.example", NULL};
    const struct sesame_test_options options = {.credentials = credentials, .origins = origins};

    host = sesame_test_host_new(7);
    tool = sesame_test_create(host, &scripted_plugin, &options);
    ck_assert_msg(tool != NULL, "%s", sesame_test_error(host));
}

static void close_host(void)
{
    ck_assert_uint_eq(sesame_test_fault_count(host), 0);
    sesame_test_host_free(host);
}

static struct sesame_test_call *act(void (*on_call)(struct sesame_instance *instance,
                                                    uint64_t call))
{
    scripted_on_call = on_call;
    return sesame_test_call(tool, "act", "{}", NULL);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static char heard[400];
static uint64_t request_open;
static struct sesame_http_request wanted;

static void hear(const char *words)
{
    strncat(heard, words, sizeof heard - strlen(heard) - 1);
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    (void)instance;
    (void)tag;
    ck_assert_int_eq(http_status, 200);
    for (size_t i = 0; i < header_count; i++)
        strncat(heard, headers[i].value.data, headers[i].value.len);
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    (void)instance;
    (void)tag;
    strncat(heard, "|", 2);
    strncat(heard, bytes.data, bytes.len);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    ck_assert_uint_eq(answer, 0);
    hear(status == SESAME_OK ? "|end" : "|failed: ");
    strncat(heard, message.data == NULL ? "" : message.data, message.len);
    (void)scripted_complete(instance, tag, status, status == SESAME_OK ? "{\"text\":\"ok\"}" : "");
}

static void request(struct sesame_instance *instance, uint64_t call)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    int32_t status;

    heard[0] = '\0';
    wanted.call = wanted.call != 0 ? call : 0;
    status = SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)
                 ->start(instance->host, &wanted, &events, call, &request_open);
    if (status != SESAME_OK)
        (void)scripted_complete(instance, call, status, "refused");
}

static void want(const char *url, const char *credential)
{
    wanted = (struct sesame_http_request){.method = scripted_text("POST"),
                                          .url = scripted_text(url),
                                          .credential = scripted_text(credential),
                                          .body = scripted_text("question")};
}

START_TEST(an_answer_comes_in_pieces_by_the_clock)
{
    static const char *const headers[] = {"Content-Type: text/plain", NULL};
    static const char *const pieces[] = {"one", "two", NULL};
    const struct sesame_test_answer answer = {.method = "POST",
                                              .url = "https://api.example/a*",
                                              .http_status = 200,
                                              .headers = headers,
                                              .pieces = pieces,
                                              .delay_ms = 100,
                                              .piece_delay_ms = 10};
    struct sesame_test_call *call;

    sesame_test_answer(host, &answer);
    want("https://api.example/ab?c=d", "");
    call = act(request);
    sesame_test_advance(host, 99);
    ck_assert_str_eq(heard, "");
    sesame_test_advance(host, 1);
    ck_assert_str_eq(heard, "text/plain");
    sesame_test_advance(host, 10);
    ck_assert_str_eq(heard, "text/plain|one");
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(heard, "text/plain|one|two|end");
    ck_assert_int_eq(sesame_test_now_ms(host), 1000130);
    ck_assert_str_eq(sesame_test_request(host, 0)->body, "question");
    ck_assert_str_eq(sesame_test_request(host, 0)->method, "POST");
    ck_assert_int_eq(sesame_test_request(host, 0)->is_over, 1);
}
END_TEST

START_TEST(an_answer_breaks_off_or_comes_too_late_or_is_too_long)
{
    const struct sesame_test_answer broken = {.url = "https://api.example/1",
                                              .http_status = 200,
                                              .body = "half",
                                              .failure = SESAME_UNAVAILABLE,
                                              .message = "connection reset"};
    const struct sesame_test_answer late = {
        .url = "https://api.example/2", .http_status = 200, .delay_ms = 90000};
    const struct sesame_test_answer silent = {.url = "https://api.example/3",
                                              .http_status = 200,
                                              .body = "x",
                                              .delay_ms = 10,
                                              .piece_delay_ms = 700};
    const struct sesame_test_answer refused = {.url = "https://api.example/4"};

    sesame_test_answer(host, &broken);
    sesame_test_answer(host, &late);
    sesame_test_answer(host, &silent);
    sesame_test_answer(host, &refused);
    sesame_test_answer_json(host, "https://api.example/5", 200, "{\"a\":1}");
    want("https://api.example/1", "");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_UNAVAILABLE);
    ck_assert_str_eq(heard, "|half|failed: https://api.example/1: connection reset");
    want("https://api.example/2", "");
    wanted.deadline_ms = sesame_test_now_ms(host) + 2000;
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_TIMED_OUT);
    ck_assert_int_eq(sesame_test_now_ms(host), 1002000);
    want("https://api.example/3", "");
    wanted.idle_timeout_ms = 500;
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_TIMED_OUT);
    ck_assert_int_eq(sesame_test_now_ms(host), 1002510);
    want("https://api.example/4", "");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_UNAVAILABLE);
    want("https://api.example/5", "");
    wanted.answer_max_bytes = 6;
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_LIMIT);
}
END_TEST

START_TEST(origins_are_granted_as_the_host_grants_them)
{
    want("https://other.example/", "");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_DENIED);
    want("http://api.example/", "");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_DENIED);
    ck_assert_uint_eq(sesame_test_request_count(host), 0);
}
END_TEST

static void cancel_request(struct sesame_instance *instance, uint64_t call)
{
    (void)call;
    SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)->cancel(instance->host, request_open);
}

START_TEST(a_request_can_be_cancelled)
{
    struct sesame_test_call *call;

    sesame_test_answer_json(host, NULL, 200, "{}");
    scripted_on_cancel = cancel_request;
    want("https://api.example/", "");
    call = act(request);
    sesame_test_cancel(call);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_CANCELLED);
    ck_assert_str_eq(heard, "|failed: cancelled");
    ck_assert_int_eq(sesame_test_request(host, 0)->is_cancelled, 1);
}
END_TEST

static void pause_request(struct sesame_instance *instance, uint64_t is_paused)
{
    SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)
        ->pause(instance->host, request_open, (int32_t)is_paused);
}

/* Reading goes on after a second. */
static void on_head_that_is_enough(struct sesame_instance *instance, uint64_t tag,
                                   int32_t http_status, const struct sesame_http_field *headers,
                                   size_t header_count)
{
    on_head(instance, tag, http_status, headers, header_count);
    pause_request(instance, 1);
    (void)SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1)
        ->timer_start(instance->host, 1000, pause_request, 0);
}

static void request_with_a_pause(struct sesame_instance *instance, uint64_t call)
{
    static const struct sesame_http_events events = {on_head_that_is_enough, on_data, on_done};

    heard[0] = '\0';
    ck_assert_int_eq(SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)
                         ->start(instance->host, &wanted, &events, call, &request_open),
                     SESAME_OK);
}

START_TEST(a_paused_answer_waits_and_is_not_idle)
{
    struct sesame_test_call *call;

    sesame_test_answer_json(host, NULL, 200, "{}");
    want("https://api.example/", "");
    wanted.idle_timeout_ms = 300;
    call = act(request_with_a_pause);
    sesame_test_advance(host, 999);
    ck_assert_str_eq(heard, "application/json");
    ck_assert_int_eq(sesame_test_request(host, 0)->is_paused, 1);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(heard, "application/json|{}|end");
    ck_assert_int_eq(sesame_test_request(host, 0)->is_paused, 0);
    ck_assert_int_eq(sesame_test_now_ms(host), 1001000);
}
END_TEST

/* ---- credentials ----------------------------------------------------------------------------- */

START_TEST(a_credential_is_attached_and_renewed_once_when_it_is_refused)
{
    static const char *const origins[] = {"https://svc.example", NULL};
    const struct sesame_test_credential credential = {
        .name = "svc", .secret = "key-of-svc", .origins = origins};

    sesame_test_add_credential(host, &credential);
    sesame_test_answer_json(host, NULL, 401, "{}");
    sesame_test_answer_json(host, NULL, 200, "{}");
    want("https://svc.example/", "svc");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_OK);
    ck_assert_uint_eq(sesame_test_request_count(host), 2);
    ck_assert_str_eq(sesame_test_request_header(sesame_test_request(host, 0), "authorization"),
                     "Bearer key-of-svc");
    ck_assert_str_eq(sesame_test_request_header(sesame_test_request(host, 1), "Authorization"),
                     "Bearer key-of-svc-2");
    want("https://api.example/", "svc");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_DENIED);
    want("https://svc.example/", "another");
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_DENIED);
}
END_TEST

START_TEST(a_users_credential_needs_the_users_call)
{
    static const char *const origins[] = {"https://svc.example", NULL};
    const struct sesame_test_credential credential = {.name = "users",
                                                      .secret = "token-of-user",
                                                      .origins = origins,
                                                      .query = "key",
                                                      .is_users = 1};
    const struct sesame_test_call_options options = {.user_token = "ey.user.token"};

    sesame_test_add_credential(host, &credential);
    sesame_test_answer_json(host, "https://svc.example/?key=token-of-user", 200, "{}");
    want("https://svc.example/", "users");
    wanted.call = 1;
    ck_assert_int_eq(sesame_test_wait(act(request)), SESAME_DENIED);
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{}", &options)), SESAME_OK);
}
END_TEST

/* ---- programs -------------------------------------------------------------------------------- */

static void on_end(struct sesame_instance *instance, uint64_t tag,
                   const struct sesame_program_end *end)
{
    snprintf(heard, sizeof heard, "%d %.*s %.*s", (int)end->exit_status, (int)end->output.len,
             end->output.data, (int)end->message.len, end->message.data);
    (void)scripted_complete(instance, tag, end->status,
                            end->status == SESAME_OK ? "{\"text\":\"ran\"}" : "");
}

static void run_program(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_program_run run = {.input = scripted_text("to read"), .call = call};
    uint64_t handle;

    ck_assert_int_eq(SERVICE(instance, sesame_program_v1, SESAME_PROGRAM_V1)
                         ->start(instance->host, &run, on_end, call, &handle),
                     SESAME_OK);
}

START_TEST(a_granted_program_comes_to_what_the_test_says)
{
    const struct sesame_test_options options = {.has_program = 1};
    const struct sesame_test_run fine = {.exit_status = 3, .output = "out", .delay_ms = 40},
                                 slow = {.delay_ms = 90000};

    tool = sesame_test_create(host, &scripted_plugin, &options);
    sesame_test_add_run(host, &fine);
    sesame_test_add_run(host, &slow);
    ck_assert_int_eq(sesame_test_wait(act(run_program)), SESAME_OK);
    ck_assert_str_eq(heard, "3 out ");
    ck_assert_int_eq(sesame_test_now_ms(host), 1000040);
    ck_assert_str_eq(sesame_test_run_input(host, 0), "to read");
    ck_assert_int_eq(sesame_test_wait(act(run_program)), SESAME_TIMED_OUT);
    ck_assert_uint_eq(sesame_test_run_count(host), 2);
    ck_assert_uint_eq(sesame_test_open_handles(tool, "run"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_answer_comes_in_pieces_by_the_clock,
                                  an_answer_breaks_off_or_comes_too_late_or_is_too_long,
                                  origins_are_granted_as_the_host_grants_them,
                                  a_request_can_be_cancelled,
                                  a_paused_answer_waits_and_is_not_idle,
                                  a_credential_is_attached_and_renewed_once_when_it_is_refused,
                                  a_users_credential_needs_the_users_call,
                                  a_granted_program_comes_to_what_the_test_says,
                                  NULL};

    return run_tests("plugin_test_http", tests, open_host, close_host);
}
