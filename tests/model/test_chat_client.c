/* One model call against a scripted server: what is sent, what is tried again, how it ends. */
#include "model/chat_client.h"

#include "base/clock.h"
#include "base/error.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <stdio.h>
#include <string.h>

#define TEXT_EVENT(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STOP_EVENT "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE_EVENT "data: [DONE]\n\n"

#define SOON .header = "retry-after-ms", .header_value = "1"

/* One answer of the server; the last one is given again and again. */
struct play {
    int status; /* 0: 200 */
    const char *type;
    const char *header, *header_value;
    const char *body;
    enum { ENDS, IS_CUT, STAYS_OPEN } end;
};

static struct loop *loop;
static struct http_client *http;
static struct peer peer;
static struct model_config config;
static struct chat_home home;
static const struct play *plays;
static size_t play_count;
static struct chat_call *call;
static int dones;
static struct error failure;
static int result_status;
static int64_t result_retry_after_ms;
static enum finish_reason result_finish;
static size_t result_calls;
static char said[1000];
static bool cancels_on_text;

static void on_gone(void *arg, const char *reason)
{
    (void)arg;
    (void)reason;
}

static void play(struct peer *server, struct http_exchange *exchange)
{
    size_t at = (size_t)server->requests - 1;
    const struct play *now = &plays[at < play_count ? at : play_count - 1];
    const char *type = now->type == NULL ? "text/event-stream;charset=UTF-8" : now->type;

    if (now->header != NULL)
        http_exchange_add_header(exchange, now->header, now->header_value);
    http_exchange_set_owner(exchange, on_gone, NULL);
    http_exchange_stream(exchange, now->status == 0 ? 200 : now->status, type);
    http_exchange_write(exchange, now->body, strlen(now->body));
    if (now->end == ENDS)
        http_exchange_end(exchange);
    else if (now->end == IS_CUT)
        http_exchange_abort(exchange);
}

static void note(const char *kind, const char *text, size_t len)
{
    size_t used = strlen(said);

    snprintf(said + used, sizeof said - used, "%s%.*s|", kind, (int)len, text);
}

static void on_reasoning(void *arg, const char *text, size_t len)
{
    (void)arg;
    note("r:", text, len);
}

static void on_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    note("", text, len);
    if (cancels_on_text)
        chat_call_cancel(call);
}

static void on_done(void *arg, const struct chat_result *result)
{
    (void)arg;
    dones++;
    if (result->err != NULL)
        failure = *result->err;
    result_status = result->http_status;
    result_retry_after_ms = result->retry_after_ms;
    result_finish = result->stream->finish;
    result_calls = result->stream->tool_calls.count;
}

static void start(const struct play *answers, size_t count, const struct chat_request *request)
{
    static const struct chat_events events = {on_reasoning, on_text, on_done};
    struct chat_request one = {.messages = slice_of("[{\"role\":\"user\",\"content\":\"?\"}]"),
                               .deadline_ms = clock_monotonic_ms() + 60000};
    struct error err = {0};

    plays = answers;
    play_count = count;
    call = chat_call_start(&home, request == NULL ? &one : request, &events, NULL, &err);
    ck_assert_msg(call != NULL, "%s", err.message);
    ck_assert_int_eq(dones, 0);
}

#define RUN(...)                                               \
    do {                                                       \
        static const struct play plays_[] = {__VA_ARGS__};     \
        start(plays_, sizeof plays_ / sizeof plays_[0], NULL); \
        PEER_RUN_UNTIL(loop, dones == 1);                      \
    } while (0)

static void set_up(void)
{
    static char model_name[] = "qwen-plus", no_credential[] = "";
    struct error err = {0};

    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    ck_assert_msg(http != NULL, "%s", err.message);
    peer_open(&peer, loop);
    peer.answer = play;
    config = (struct model_config){.base_url = peer.url,
                                   .name = model_name,
                                   .credential = no_credential,
                                   .connect_timeout_ms = 5000};
    home = (struct chat_home){.loop = loop, .http = http, .config = &config};
    said[0] = '\0';
    dones = 0;
    cancels_on_text = false;
    error_clear(&failure);
}

static void tear_down(void)
{
    peer_close(&peer);
    http_client_free(http);
    loop_free(loop);
}

/* ---- the request ------------------------------------------------------------------------------
 */

START_TEST(a_request_without_tools_says_everything_that_matters)
{
    RUN({.body = TEXT_EVENT("hello") STOP_EVENT DONE_EVENT});
    ck_assert_str_eq(peer.last_target, "/chat/completions");
    ck_assert_str_eq(
        peer.last_body,
        "{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"user\",\"content\":\"?\"}],"
        "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
        "\"enable_thinking\":false}");
    ck_assert_str_eq(said, "hello|");
    ck_assert_int_eq(result_finish, FINISH_STOP);
}
END_TEST

START_TEST(tools_are_offered_to_be_called_in_parallel_or_only_shown)
{
    static const struct play answer = {.body = STOP_EVENT};
    struct chat_request request = {.messages = slice_of("[]"),
                                   .tools = slice_of("[{\"type\":\"function\"}]"),
                                   .deadline_ms = clock_monotonic_ms() + 60000};

    config.is_thinking_enabled = true;
    config.thinking_budget_tokens = 5000;
    start(&answer, 1, &request);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_nonnull(strstr(peer.last_body,
                                 ",\"tools\":[{\"type\":\"function\"}],\"tool_choice\":\"auto\","
                                 "\"parallel_tool_calls\":true,\"enable_thinking\":true,"
                                 "\"thinking_budget\":5000}"));
    request.forbids_tools = true;
    dones = 0;
    start(&answer, 1, &request);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_nonnull(strstr(peer.last_body, "\"tool_choice\":\"none\",\"enable_thinking\""));
}
END_TEST

START_TEST(a_server_with_chat_templates_is_told_its_way_whether_to_think)
{
    config.thinks_by_template = true;
    config.thinking_budget_tokens = 5000;
    for (int i = 0; i < 2; i++) {
        config.is_thinking_enabled = i == 1;
        dones = 0;
        RUN({.body = STOP_EVENT});
        ck_assert_ptr_nonnull(strstr(
            peer.last_body, i == 1 ? ",\"chat_template_kwargs\":{\"enable_thinking\":true}}"
                                   : ",\"chat_template_kwargs\":{\"enable_thinking\":false}}"));
    }
}
END_TEST

/* ---- ends -------------------------------------------------------------------------------------
 */

START_TEST(a_finish_reason_completes_an_answer_that_is_cut_behind_it)
{
    RUN({.body = TEXT_EVENT("hello") STOP_EVENT, .end = IS_CUT});
    ck_assert_int_eq(failure.code, ERROR_NONE);
    ck_assert_str_eq(said, "hello|");
}
END_TEST

START_TEST(an_error_in_the_stream_ends_the_call_although_the_server_goes_on)
{
    RUN({.body = TEXT_EVENT("hel") "data: "
                                   "{\"error\":{\"message\":\"inspection\",\"code\":\"x\"}}"
                                   "\n\n" TEXT_EVENT("more"),
         .end = STAYS_OPEN});
    ck_assert_str_eq(failure.message, "the model reported: inspection");
    ck_assert_str_eq(failure.name, "x");
    ck_assert_str_eq(said, "hel|");
    ck_assert_int_eq(peer.requests, 1);
}
END_TEST

START_TEST(an_error_event_is_an_error_whatever_its_data)
{
    RUN({.body =
             "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":"
             "\"wrong\",\"request_id\":\"r-1\"}\n\n",
         .end = STAYS_OPEN});
    ck_assert_str_eq(failure.message, "the model reported: wrong (request id r-1)");
    ck_assert_int_eq(failure.code, ERROR_BAD_INPUT);
    dones = 0;
    error_clear(&failure);
    RUN({.body = TEXT_EVENT("a") "event: error\ndata: no JSON at all\n\n"});
    ck_assert_str_eq(failure.message, "the model reported: an error without a message");
}
END_TEST

START_TEST(a_refusal_framed_as_an_event_is_read)
{
    RUN({.status = 400,
         .type = "application/json",
         .body = "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"Arrearage\",\"message\":"
                 "\"overdue\",\"request_id\":\"r-2\"}\n\n"});
    ck_assert_str_eq(failure.message, "the model answered 400: overdue (request id r-2)");
    ck_assert_str_eq(failure.name, "Arrearage");
    ck_assert_int_eq(result_status, 400);
    ck_assert_int_eq(peer.requests, 1);
}
END_TEST

START_TEST(an_answer_that_is_no_stream_is_an_error_that_says_what_it_was)
{
    RUN({.type = "application/json", .body = "{\"error\":{\"message\":\"denied\"}}"});
    ck_assert_str_eq(failure.message, "the model reported: denied");
    dones = 0;
    error_clear(&failure);
    RUN({.type = "text/html", .body = "<html></html>"});
    ck_assert_ptr_nonnull(strstr(failure.message, "is model.base_url a chat-completions endpoint"));
}
END_TEST

START_TEST(cancelling_inside_a_delta_ends_everything)
{
    static const struct play answer = {.body = TEXT_EVENT("a") TEXT_EVENT("b"), .end = STAYS_OPEN};

    cancels_on_text = true;
    start(&answer, 1, NULL);
    PEER_RUN_UNTIL(loop, said[0] != '\0');
    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    ck_assert_str_eq(said, "a|");
    ck_assert_int_eq(dones, 0);
}
END_TEST

START_TEST(a_model_that_does_not_begin_in_time_is_given_up)
{
    config.first_byte_timeout_ms = 30;
    RUN({.body = "", .end = STAYS_OPEN});
    ck_assert_str_eq(failure.name, "ReadTimeOut");
}
END_TEST

/* ---- tried again ------------------------------------------------------------------------------
 */

START_TEST(what_may_pass_is_tried_twice_more)
{
    static const int statuses[] = {408, 409, 429, 500, 503};

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct play busy = {.status = statuses[i],
                            .type = "application/json",
                            .header = "retry-after-ms",
                            .header_value = "1",
                            .body = "{\"error\":{\"message\":\"busy\"}}"};

        dones = peer.requests = 0;
        error_clear(&failure);
        start(&busy, 1, NULL);
        PEER_RUN_UNTIL(loop, dones == 1);
        ck_assert_int_eq(peer.requests, 3);
        ck_assert_int_eq(result_status, statuses[i]);
        ck_assert_int_eq(result_retry_after_ms, 1);
    }
}
END_TEST

START_TEST(a_pause_that_the_server_asks_for_is_kept)
{
    int64_t began_ms = clock_monotonic_ms();

    RUN({.status = 429, .header = "retry-after", .header_value = "1", .body = ""},
        {.body = STOP_EVENT});
    ck_assert_int_eq(failure.code, ERROR_NONE);
    ck_assert_int_eq(peer.requests, 2);
    ck_assert_int_ge(clock_monotonic_ms() - began_ms, 1000);
}
END_TEST

/* Half a second and one, each shortened by a quarter at most. */
START_TEST(a_refused_connection_is_tried_twice_more_with_growing_pauses)
{
    static char nobody[] = "http://127.0.0.1:1";
    int64_t began_ms = clock_monotonic_ms();

    config.base_url = nobody;
    RUN({.body = STOP_EVENT});
    ck_assert_str_eq(failure.name, "ConnectFailed");
    ck_assert_int_ge(clock_monotonic_ms() - began_ms, 375 + 750);
    ck_assert_int_eq(peer.requests, 0);
}
END_TEST

START_TEST(what_is_wrong_is_not_tried_again)
{
    static const int statuses[] = {400, 403, 404, 413, 422};

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct play wrong = {.status = statuses[i], .type = "application/json", .body = "{}"};

        dones = peer.requests = 0;
        error_clear(&failure);
        start(&wrong, 1, NULL);
        PEER_RUN_UNTIL(loop, dones == 1);
        ck_assert_int_eq(peer.requests, 1);
    }
}
END_TEST

START_TEST(the_server_may_decide_otherwise)
{
    RUN({.status = 500, .header = "x-should-retry", .header_value = "false", .body = ""});
    ck_assert_int_eq(peer.requests, 1);
    dones = peer.requests = 0;
    error_clear(&failure);
    RUN({.status = 400, .header = "x-should-retry", .header_value = "true", .body = ""},
        {.body = STOP_EVENT});
    ck_assert_int_eq(peer.requests, 2);
    ck_assert_int_eq(failure.code, ERROR_NONE);
}
END_TEST

START_TEST(a_context_that_is_too_short_is_reported_at_once_whatever_the_status)
{
    RUN({.status = 500,
         .type = "application/json",
         .body = "{\"error\":{\"message\":\"Range of input length should be [1, 10]\"}}"});
    ck_assert_str_eq(failure.name, CHAT_ERROR_TOO_LONG);
    ck_assert_int_eq(peer.requests, 1);
}
END_TEST

START_TEST(a_stream_that_breaks_before_its_first_delta_is_tried_again)
{
    RUN({.body = ": keep-alive\n\n", .end = IS_CUT, SOON},
        {.body = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
         SOON},
        {.body = TEXT_EVENT("hello") DONE_EVENT});
    ck_assert_int_eq(failure.code, ERROR_NONE);
    ck_assert_str_eq(said, "hello|");
    ck_assert_int_eq(peer.requests, 3);
}
END_TEST

START_TEST(after_the_first_delta_nothing_is_tried_again)
{
    RUN({.body = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
         .end = IS_CUT});
    ck_assert_int_eq(failure.code, ERROR_UPSTREAM);
    ck_assert_str_eq(said, "r:hm|");
    ck_assert_int_eq(peer.requests, 1);
    dones = peer.requests = 0;
    error_clear(&failure);
    RUN({.body = TEXT_EVENT("hel")});
    ck_assert_str_eq(failure.name, "StreamCut");
    ck_assert_int_eq(peer.requests, 1);
}
END_TEST

START_TEST(calls_of_an_answer_that_broke_off_are_not_kept_for_the_next_attempt)
{
    RUN({.body = "data: "
                 "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
                 "{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
         .end = IS_CUT,
         SOON},
        {.body = TEXT_EVENT("hello") STOP_EVENT});
    ck_assert_int_eq(failure.code, ERROR_NONE);
    ck_assert_uint_eq(result_calls, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_without_tools_says_everything_that_matters,
        tools_are_offered_to_be_called_in_parallel_or_only_shown,
        a_server_with_chat_templates_is_told_its_way_whether_to_think,
        a_finish_reason_completes_an_answer_that_is_cut_behind_it,
        an_error_in_the_stream_ends_the_call_although_the_server_goes_on,
        an_error_event_is_an_error_whatever_its_data,
        a_refusal_framed_as_an_event_is_read,
        an_answer_that_is_no_stream_is_an_error_that_says_what_it_was,
        cancelling_inside_a_delta_ends_everything,
        a_model_that_does_not_begin_in_time_is_given_up,
        what_may_pass_is_tried_twice_more,
        a_pause_that_the_server_asks_for_is_kept,
        a_refused_connection_is_tried_twice_more_with_growing_pauses,
        what_is_wrong_is_not_tried_again,
        the_server_may_decide_otherwise,
        a_context_that_is_too_short_is_reported_at_once_whatever_the_status,
        a_stream_that_breaks_before_its_first_delta_is_tried_again,
        after_the_first_delta_nothing_is_tried_again,
        calls_of_an_answer_that_broke_off_are_not_kept_for_the_next_attempt,
        NULL,
    };

    return run_tests("chat_client", tests, set_up, tear_down);
}
