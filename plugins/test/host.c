/* A scripted host: its clock, what it saw, and its end. */
#include "script.h"

#include "base/secret.h"
#include "credential/credential_client.h"
#include "credential/platform_credentials.h"
#include "net/http_client.h"
#include "net/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ARENA_BYTES ((size_t)1024 * 1024)

/* The clock, the log and the secrets' memory are the process's, as in the real host. */
static struct sesame_test_host *only_host;

/* ---- memory, misuse -------------------------------------------------------------------------- */

_Noreturn void script_refuse(const char *format, ...)
{
    va_list arguments;

    fputs("sesame-plugin-test: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

void *script_alloc(size_t size)
{
    void *bytes = calloc(1, size == 0 ? 1 : size);

    if (bytes == NULL)
        script_refuse("no memory");
    return bytes;
}

char *script_bytes(const char *data, size_t len)
{
    char *copy = script_alloc(len + 1);

    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

char *script_text(const char *text)
{
    return text == NULL ? NULL : script_bytes(text, strlen(text));
}

void script_free(const void *bytes)
{
    void *owned;

    memcpy(&owned, &bytes, sizeof owned);
    free(owned);
}

void *script_grow(void *items_pointer, size_t *count, size_t item_size)
{
    bool is_full = (*count & (*count - 1)) == 0; /* 0, 1, 2, 4, ...: room is made by doubling */
    char *items;

    memcpy(&items, items_pointer, sizeof items);
    if (is_full) {
        items = realloc(items, (*count == 0 ? 1 : 2 * *count) * item_size);
        if (items == NULL)
            script_refuse("no memory");
        memcpy(items_pointer, &items, sizeof items);
    }
    return memset(items + item_size * (*count)++, 0, item_size);
}

struct sesame_test_instance *test_host_making(void)
{
    return only_host->making;
}

/* ---- what was seen --------------------------------------------------------------------------- */

void test_host_fault(struct sesame_test_host *test, const char *kind, const char *instance)
{
    struct sesame_test_fault *fault;

    pthread_mutex_lock(&test->lock);
    fault = script_grow(&test->faults, &test->fault_count, sizeof *fault);
    fault->kind = script_text(kind);
    fault->instance = script_text(instance);
    fault->at_ms = script_clock_now_ms();
    pthread_mutex_unlock(&test->lock);
}

void test_host_note_call(struct sesame_test_host *test, const char *service, const char *function)
{
    struct sesame_test_host_call *call;

    pthread_mutex_lock(&test->lock);
    call = script_grow(&test->host_calls, &test->host_call_count, sizeof *call);
    call->service = service;
    call->function = function;
    call->at_ms = script_clock_now_ms();
    call->is_home_thread = pthread_equal(test->thread, pthread_self()) != 0;
    pthread_mutex_unlock(&test->lock);
}

static void take_record(void *arg, const struct sesame_test_log *record)
{
    struct sesame_test_host *test = arg;
    struct sesame_test_log *copy;

    pthread_mutex_lock(&test->lock);
    copy = script_grow(&test->logs, &test->log_count, sizeof *copy);
    *copy = *record;
    copy->message = script_text(record->message);
    copy->fields = script_text(record->fields);
    pthread_mutex_unlock(&test->lock);
}

static void on_unanswered(void *arg)
{
    test_host_fault(arg, "unanswered_request", "");
}

static void on_unanswered_run(void *arg)
{
    test_host_fault(arg, "unanswered_run", "");
}

static struct sesame_test_host *lock(const struct sesame_test_host *host)
{
    struct sesame_test_host *test;

    memcpy(&test, &host, sizeof test); /* to read is const for the test, not for the lock */
    pthread_mutex_lock(&test->lock);
    return test;
}

static size_t read_count(const struct sesame_test_host *host, const size_t *count)
{
    struct sesame_test_host *test = lock(host);
    size_t value = *count;

    pthread_mutex_unlock(&test->lock);
    return value;
}

size_t sesame_test_host_call_count(const struct sesame_test_host *host)
{
    return read_count(host, &host->host_call_count);
}

struct sesame_test_host_call sesame_test_host_call(const struct sesame_test_host *host,
                                                   size_t index)
{
    struct sesame_test_host *test = lock(host);
    struct sesame_test_host_call call;

    if (index >= test->host_call_count)
        script_refuse("there is no host call %zu", index);
    call = test->host_calls[index];
    pthread_mutex_unlock(&test->lock);
    return call;
}

size_t sesame_test_count(const struct sesame_test_host *host, const char *service,
                         const char *function)
{
    struct sesame_test_host *test = lock(host);
    size_t count = 0;

    for (size_t i = 0; i < test->host_call_count; i++)
        count += strcmp(test->host_calls[i].service, service) == 0 &&
                 strcmp(test->host_calls[i].function, function) == 0;
    pthread_mutex_unlock(&test->lock);
    return count;
}

size_t sesame_test_log_count(const struct sesame_test_host *host)
{
    return read_count(host, &host->log_count);
}

struct sesame_test_log sesame_test_log(const struct sesame_test_host *host, size_t index)
{
    struct sesame_test_host *test = lock(host);
    struct sesame_test_log record;

    if (index >= test->log_count)
        script_refuse("there is no log record %zu", index);
    record = test->logs[index];
    pthread_mutex_unlock(&test->lock);
    return record;
}

size_t sesame_test_fault_count(const struct sesame_test_host *host)
{
    return read_count(host, &host->fault_count);
}

struct sesame_test_fault sesame_test_fault(const struct sesame_test_host *host, size_t index)
{
    struct sesame_test_host *test = lock(host);
    struct sesame_test_fault fault;

    if (index >= test->fault_count)
        script_refuse("there is no fault %zu", index);
    fault = test->faults[index];
    pthread_mutex_unlock(&test->lock);
    return fault;
}

/* The services read the newest key when they are asked. */
static void ignore_key(void *arg)
{
    (void)arg;
}

/* ---- the host -------------------------------------------------------------------------------- */

struct sesame_test_host *sesame_test_host_new(uint64_t seed)
{
    struct sesame_test_host *test = script_alloc(sizeof *test);
    struct secret_report report;
    struct error err = {0};

    if (only_host != NULL)
        script_refuse("there is a host already: free it first");
    /* The program may be one that a debugger or a checker of memory looks into. */
    if (!secret_arena_open(ARENA_BYTES, true, &report, &err))
        script_refuse("%s", err.message);
    only_host = test;
    script_clock_reset(seed);
    pthread_mutex_init(&test->lock, NULL);
    test->thread = pthread_self();
    test->loop = loop_new(&err);
    test->http_script.on_unanswered = on_unanswered;
    test->http_script.arg = test;
    test->home.loop = test->loop;
    test->home.http = script_http_new(test->loop, &test->http_script);
    test->program = script_program_new(on_unanswered_run, test);
    test->home.credentials = script_credentials_new();
    test->platform = platform_credentials_new(ignore_key, NULL, &err);
    script_log_to(take_record, test);
    return test;
}

static void free_seen(struct sesame_test_host *test)
{
    for (size_t i = 0; i < test->log_count; i++) {
        script_free(test->logs[i].message);
        script_free(test->logs[i].fields);
    }
    for (size_t i = 0; i < test->fault_count; i++) {
        script_free(test->faults[i].kind);
        script_free(test->faults[i].instance);
    }
    free(test->logs);
    free(test->faults);
    free(test->host_calls);
}

void sesame_test_host_free(struct sesame_test_host *host)
{
    if (host == NULL)
        return;
    while (host->instances != NULL)
        sesame_test_destroy(host->instances);
    (void)script_loop_run(host->loop);
    script_log_to(NULL, NULL);
    test_calls_free(host);
    while (host->recorded != NULL) {
        struct recorded_host *next = host->recorded->next;

        free(host->recorded);
        host->recorded = next;
    }
    http_client_free(host->home.http);
    script_http_clear(&host->http_script);
    script_program_free(host->program);
    credential_client_free(host->home.credentials);
    platform_credentials_free(host->platform);
    loop_free(host->loop);
    free_seen(host);
    pthread_mutex_destroy(&host->lock);
    free(host);
    secret_arena_close();
    only_host = NULL;
}

const char *sesame_test_error(const struct sesame_test_host *host)
{
    return host->err.message;
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool note_rest(struct sesame_test_host *test, bool rests)
{
    if (!rests)
        test_host_fault(test, "spins", "");
    return rests;
}

bool test_host_run_until(struct sesame_test_host *test, int64_t until_ms)
{
    return note_rest(test, script_loop_advance(test->loop, until_ms));
}

int64_t sesame_test_now_ms(const struct sesame_test_host *host)
{
    (void)host;
    return script_clock_now_ms();
}

int64_t sesame_test_wall_now_ms(const struct sesame_test_host *host)
{
    (void)host;
    return script_clock_wall_ms();
}

void sesame_test_set_wall_ms(struct sesame_test_host *host, int64_t wall_ms)
{
    (void)host;
    script_clock_set_wall_ms(wall_ms);
}

void sesame_test_run(struct sesame_test_host *host)
{
    (void)note_rest(host, script_loop_run(host->loop));
}

void sesame_test_advance(struct sesame_test_host *host, int64_t ms)
{
    if (ms < 0)
        script_refuse("the clock does not go back");
    (void)test_host_run_until(host, script_clock_now_ms() + ms);
}

void sesame_test_set_tick(struct sesame_test_host *host, int64_t ms)
{
    (void)host;
    script_clock_set_tick(ms);
}

int sesame_test_wait_for_post(struct sesame_test_host *host, int64_t real_ms)
{
    if (!script_loop_wait(host->loop, real_ms))
        return 0;
    sesame_test_run(host);
    return 1;
}

/* ---- HTTP, programs, credentials ------------------------------------------------------------- */

void sesame_test_answer(struct sesame_test_host *host, const struct sesame_test_answer *answer)
{
    script_http_add(&host->http_script, answer);
}

void sesame_test_answer_json(struct sesame_test_host *host, const char *url, int http_status,
                             const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct sesame_test_answer answer = {
        .url = url, .http_status = http_status, .headers = headers, .body = body};

    script_http_add(&host->http_script, &answer);
}

size_t sesame_test_request_count(const struct sesame_test_host *host)
{
    return host->http_script.request_count;
}

const struct sesame_test_request *sesame_test_request(const struct sesame_test_host *host,
                                                      size_t index)
{
    return script_http_request(&host->http_script, index);
}

const char *sesame_test_request_header(const struct sesame_test_request *request, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *header = request->headers; *header != NULL; header++)
        if (strncasecmp(*header, name, len) == 0 && strncmp(*header + len, ": ", 2) == 0)
            return *header + len + 2;
    return "";
}

void sesame_test_add_run(struct sesame_test_host *host, const struct sesame_test_run *run)
{
    script_program_add(host->program, run);
}

size_t sesame_test_run_count(const struct sesame_test_host *host)
{
    return script_program_count(host->program);
}

const char *sesame_test_run_input(const struct sesame_test_host *host, size_t index)
{
    return script_program_input(host->program, index);
}

void sesame_test_add_credential(struct sesame_test_host *host,
                                const struct sesame_test_credential *credential)
{
    script_credentials_add(host->home.credentials, credential);
}

void sesame_test_set_platform_credentials(struct sesame_test_host *host, const char *access_key_id,
                                          const char *access_key_secret, const char *security_token)
{
    struct error err = {0};
    struct platform_key key = {
        .access_key_id = secret_copy(access_key_id, strlen(access_key_id), &err),
        .access_key_secret = secret_copy(access_key_secret, strlen(access_key_secret), &err),
        .security_token = secret_copy(security_token, strlen(security_token), &err),
        .received_at_ms = script_clock_now_ms(),
    };

    platform_credentials_put(host->platform, &key);
}
