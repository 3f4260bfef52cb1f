/* A scripted host for unit tests of plugins: no sockets, no threads of its own, no real time.
 *
 * Not a part of the frozen contract: source-level only, it may change in any release. Link with
 * libsesame-plugin-test.a (pkg-config sesame-plugin-test).
 *
 * Inside are the host's own services over a clock, a loop and an HTTP client that a test scripts;
 * what a plugin is refused here it is refused there, and for the same reason. Time stands still
 * until a test moves it. Everything runs on the thread that made the host.
 *
 *     struct sesame_test_host *host = sesame_test_host_new(1);
 *     struct sesame_test_instance *tool = sesame_test_create(host, &sesame_plugin_v1, NULL);
 *     struct sesame_test_call *call = sesame_test_call(tool, "greet", "{}", NULL);
 *     assert(sesame_test_wait(call) == SESAME_OK);
 *     assert(strcmp(sesame_test_text(call), "hello") == 0);
 *     assert(sesame_test_fault_count(host) == 0);
 *     sesame_test_host_free(host);
 *
 * Texts given are copied. Texts returned are NUL-terminated, never NULL, and live as long as the
 * thing they were asked of, unless it is said otherwise. Misuse by the test itself (a call of this
 * library that cannot make sense) ends the program with a message. */
#ifndef SESAME_PLUGIN_TEST_H
#define SESAME_PLUGIN_TEST_H

#include <sesame/credential_provider.h>
#include <sesame/program.h>
#include <sesame/services.h>
#include <sesame/tool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sesame_test_host;
struct sesame_test_instance;
struct sesame_test_call;

/* ---- the host ----------------------------------------------------------------------------- */

/* One at a time in a process. `seed` decides what sesame.random/1 gives; keys that sesame.sign/1
 * generates are random all the same. The clock begins at 1,000,000 ms monotonic and
 * 2030-01-01T00:00:00Z. */
struct sesame_test_host *sesame_test_host_new(uint64_t seed);

/* Frees the host with all its instances and calls; their `stop` and `destroy` are called. */
void sesame_test_host_free(struct sesame_test_host *host);

/* Why the last function that answered NULL did so. */
const char *sesame_test_error(const struct sesame_test_host *host);

/* ---- instances ---------------------------------------------------------------------------- */

/* All zero bytes is a good start. Lists end with NULL; a NULL list is empty. */
struct sesame_test_options {
    const char *config;             /* JSON object; NULL: {} */
    const char *manifest;           /* path of NAME.json, for its presets and origins; or NULL */
    const char *name;               /* NULL: the plugin's id */
    const char *const *credentials; /* tools: the credentials the operator lets it use */
    const char *const *origins;     /* tools: more origins it may call */
    const char *const *withheld;    /* services this host does not offer, such as "sesame.http/1" */
    int may_block;                  /* it has a thread of its own: from_program is allowed */
    int has_program;                /* tools: the operator granted it a program */
};

/* The descriptor of a built plugin, which stays loaded; NULL when it cannot be loaded. A test that
 * is linked with the plugin's source takes &sesame_plugin_v1 instead. */
const struct sesame_plugin *sesame_test_load(struct sesame_test_host *host, const char *path);

/* Checks the configuration against the plugin's schema, sets its defaults and makes an instance, as
 * a tool if the plugin offers sesame.tool/1, else as a credential provider. `options` may be NULL.
 * NULL when the host would refuse the plugin or its configuration, or `create` failed. Secrets come
 * from the environment and from files, as ever: setenv before. */
struct sesame_test_instance *sesame_test_create(struct sesame_test_host *host,
                                                const struct sesame_plugin *plugin,
                                                const struct sesame_test_options *options);
/* The same, always as a credential provider. */
struct sesame_test_instance *sesame_test_create_provider(struct sesame_test_host *host,
                                                         const struct sesame_plugin *plugin,
                                                         const struct sesame_test_options *options);

/* Ends the calls that are open, runs `stop` with the time it takes, at most two seconds, and
 * `destroy`; frees the instance. Calls made on it stay readable. */
void sesame_test_destroy(struct sesame_test_instance *instance);

/* How many handles of a kind are alive: "timer", "sse", "http", "secret", "key",
 * "call" or "run". */
size_t sesame_test_open_handles(const struct sesame_test_instance *instance, const char *kind);

/* ---- time --------------------------------------------------------------------------------- */

int64_t sesame_test_now_ms(const struct sesame_test_host *host);      /* monotonic */
int64_t sesame_test_wall_now_ms(const struct sesame_test_host *host); /* since 1970 */
void sesame_test_set_wall_ms(struct sesame_test_host *host, int64_t wall_ms);

/* Does what is due now: posted calls, timers, answers. */
void sesame_test_run(struct sesame_test_host *host);
/* Moves the clock by `ms`, stopping at each moment at which something is due. */
void sesame_test_advance(struct sesame_test_host *host, int64_t ms);

/* Each time the plugin reads the clock or asks is_cancelled, `ms` pass: for plugins that wait in a
 * loop. 0, the beginning: none. */
void sesame_test_set_tick(struct sesame_test_host *host, int64_t ms);

/* Waits, in real time, until a thread of the plugin posts, and runs that. 0 after `real_ms`. */
int sesame_test_wait_for_post(struct sesame_test_host *host, int64_t real_ms);

/* ---- a tool's functions ------------------------------------------------------------------- */

struct sesame_test_function {
    const char *name;
    const char *description;
    const char *parameters; /* JSON Schema */
};

/* Lists anew and reads the list as the host does, which leaves out a broken function (it is a
 * fault, "bad_function"). Borrowed until the next listing; NULL when the listing failed. */
const struct sesame_test_function *sesame_test_list(struct sesame_test_instance *instance,
                                                    size_t *out_count);
/* How often the plugin said that its list changed. */
size_t sesame_test_changed_count(const struct sesame_test_instance *instance);

/* ---- calls -------------------------------------------------------------------------------- */

struct sesame_test_call_options {
    int64_t timeout_ms;          /* 0: 60,000 */
    const char *context;         /* JSON object; NULL: {} */
    const char *user_token;      /* of the signed-in user, or NULL */
    unsigned cancel_after_asks;  /* the n-th time it asks, is_cancelled says 1; 0: never */
    int arguments_are_unchecked; /* give them to the plugin whatever its schema says */
};

/* Starts a call of a tool's function. The arguments are checked against its schema first, as the
 * host does: wrong ones end the call with SESAME_BAD_INPUT, an unknown function with
 * SESAME_NOT_FOUND, without the plugin. `options` may be NULL. */
struct sesame_test_call *sesame_test_call(struct sesame_test_instance *instance,
                                          const char *function, const char *arguments,
                                          const struct sesame_test_call_options *options);

/* Starts a fetch of a credential provider. `scope` as configured: "https://svc.example|read". */
struct sesame_test_call *sesame_test_fetch(struct sesame_test_instance *instance, const char *scope,
                                           const struct sesame_test_call_options *options);

/* Starts a listing, to look at as a call: its text is the JSON the plugin gave. */
struct sesame_test_call *sesame_test_start_list(struct sesame_test_instance *instance,
                                                const struct sesame_test_call_options *options);

/* Moves the clock until the call is over, and says how it ended: a plugin that never completes is
 * ended by the host two seconds after the deadline, as ever. */
int32_t sesame_test_wait(struct sesame_test_call *call);

int sesame_test_is_over(const struct sesame_test_call *call);
int32_t sesame_test_status(const struct sesame_test_call *call); /* of a call that is over */
/* Asks for its end, as a user that leaves does. */
void sesame_test_cancel(struct sesame_test_call *call);

/* The text for the model; of a failure its message; of a token its bytes. */
const char *sesame_test_text(const struct sesame_test_call *call);
size_t sesame_test_text_len(const struct sesame_test_call *call);
int sesame_test_is_error(const struct sesame_test_call *call);

size_t sesame_test_progress_count(const struct sesame_test_call *call);
const char *sesame_test_progress(const struct sesame_test_call *call, size_t index);

/* What a provider said beside the token or the refusal. */
struct sesame_test_token {
    const char *code;                                   /* stable name of a failure, "" for none */
    int64_t expires_in_s, expires_at_s, retry_after_ms; /* -1: not said */
    int is_bound_to_key, is_bound_to_certificate;
};
struct sesame_test_token sesame_test_token(const struct sesame_test_call *call);

/* ---- HTTP --------------------------------------------------------------------------------- */

/* One scripted answer. All zero bytes but what is set. Lists end with NULL. */
struct sesame_test_answer {
    const char *method; /* NULL: any */
    const char *url;    /* NULL: any; else the whole URL, or its beginning when it ends with "*" */
    int stays;          /* answers any number of requests, not one */

    int http_status;            /* 0: the connection fails */
    const char *const *headers; /* "Name: value" */
    const char *body;           /* the whole body, or ... */
    const char *const *pieces;  /* ... its parts, one on_data each */
    int64_t delay_ms;           /* until the head */
    int64_t piece_delay_ms;     /* before each part of the body, and the end */
    int32_t failure;            /* how it breaks off behind the pieces; SESAME_OK: it is complete */
    const char *message;        /* of the failure */
};

/* A request gets the first answer that fits. One without any fails with SESAME_UNAVAILABLE, and is
 * a fault, "unanswered_request". */
void sesame_test_answer(struct sesame_test_host *host, const struct sesame_test_answer *answer);
/* The common one: any method, status 200 unless given, a JSON body. */
void sesame_test_answer_json(struct sesame_test_host *host, const char *url, int http_status,
                             const char *body);

/* A request as it would have gone out: credentials and secrets are in it. */
struct sesame_test_request {
    const char *method;
    const char *url;            /* with the query, also a secret one */
    const char *const *headers; /* "Name: value", ends with NULL */
    const char *body;
    size_t body_len;
    int64_t at_ms;
    int is_over;      /* answered, failed or cancelled ... */
    int is_cancelled; /* ... the last */
    int is_paused;
    int has_client_certificate;
};

size_t sesame_test_request_count(const struct sesame_test_host *host);
/* Borrowed until the host goes. */
const struct sesame_test_request *sesame_test_request(const struct sesame_test_host *host,
                                                      size_t index);
/* The value of a header, "" when it was not sent. */
const char *sesame_test_request_header(const struct sesame_test_request *request, const char *name);

/* ---- programs ----------------------------------------------------------------------------- */

/* What one run of the granted program (sesame.program/1) comes to. All zero bytes but what is set.
 */
struct sesame_test_run {
    int exit_status;
    const char *output, *errors; /* NULL: none */
    int64_t delay_ms;
    int32_t failure; /* how it ends otherwise; SESAME_OK: it ends by itself */
    const char *message;
};

/* Runs come to what was given here, in order; one too many fails with SESAME_UNAVAILABLE and is a
 * fault, "unanswered_run". */
void sesame_test_add_run(struct sesame_test_host *host, const struct sesame_test_run *run);
size_t sesame_test_run_count(const struct sesame_test_host *host); /* started ones */
/* What one read on standard input. Borrowed until the host goes. */
const char *sesame_test_run_input(const struct sesame_test_host *host, size_t index);

/* ---- credentials -------------------------------------------------------------------------- */

struct sesame_test_credential {
    const char *name;
    const char *secret;         /* each renewal after a 401 adds "-2", "-3", ... */
    const char *const *origins; /* "https://svc.example"; ends with NULL */
    const char *header;         /* where it goes; NULL: "Authorization" with "Bearer " ... */
    const char *query;          /* ... or a parameter of the query */
    int is_users;               /* stands for the user of the call: needs `user_token` there */
    int32_t failure;            /* the host cannot get it, for this reason; SESAME_OK: it can */
};
/* Tools use it when their options name it. */
void sesame_test_add_credential(struct sesame_test_host *host,
                                const struct sesame_test_credential *credential);

/* What sesame.platform-credentials/1 has from now on. */
void sesame_test_set_platform_credentials(struct sesame_test_host *host, const char *access_key_id,
                                          const char *access_key_secret,
                                          const char *security_token);

/* ---- what was seen ------------------------------------------------------------------------ */

/* A call of the plugin into the host. */
struct sesame_test_host_call {
    const char *service;  /* "sesame.http/1" */
    const char *function; /* "start"; "get_service" has the service asked for as `service` */
    int64_t at_ms;
    int is_home_thread;
};
size_t sesame_test_host_call_count(const struct sesame_test_host *host);
struct sesame_test_host_call sesame_test_host_call(const struct sesame_test_host *host,
                                                   size_t index);
/* How often one function was called. */
size_t sesame_test_count(const struct sesame_test_host *host, const char *service,
                         const char *function);

struct sesame_test_log {
    int32_t level; /* SESAME_LOG_INFO */
    const char *message;
    const char *fields; /* as the plugin gave them, "" for none */
    int is_host;        /* a record of the host about the plugin */
};
size_t sesame_test_log_count(const struct sesame_test_host *host);
struct sesame_test_log sesame_test_log(const struct sesame_test_host *host, size_t index);

/* A broken rule, contained and counted by the host: "completed_twice", "completed_late",
 * "unknown_handle", "wrong_thread", "never_completed", "bad_result", "result_too_large",
 * "bad_function", "unanswered_request", "unanswered_run", "handles_left" (of a secret or key, when
 * the instance is destroyed more than were alive behind `create`), "spins" (work without end at one
 * moment), "late_host_call" (after destroy) ... */
struct sesame_test_fault {
    const char *kind;
    const char *instance; /* its name */
    int64_t at_ms;
};
size_t sesame_test_fault_count(const struct sesame_test_host *host);
struct sesame_test_fault sesame_test_fault(const struct sesame_test_host *host, size_t index);

#ifdef __cplusplus
}
#endif

#endif
