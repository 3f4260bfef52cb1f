/* Keeps the issuer's key set fresh: one fetch for the whole host, old keys while the issuer is
 * down. */
#include "jwt/jwks_cache.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "jwt/jwks.h"
#include "net/http_client.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES (1024 * 1024)
#define FETCH_TIMEOUT_MS 10000
/* Cache-Control is followed within these bounds; the vendor's sample keeps a set for 5 minutes. */
#define FRESH_MIN_MS (5 * 60 * 1000LL)
#define FRESH_MAX_MS (60 * 60 * 1000LL)
/* An attacker can name unknown kids as fast as he likes; the issuer must not feel it. */
#define UNKNOWN_KID_INTERVAL_MS 30000
#define STALE_MAX_MS (24 * 60 * 60 * 1000LL)
#define BACK_OFF_MIN_MS 1000
#define BACK_OFF_MAX_MS 60000

struct jwks_cache {
    struct jwks_cache_options options;
    char *url;
    struct loop *loop;
    struct http_client *client;
    struct loop_timer *timer;
    struct http_call *call;
    struct buffer body;
    int64_t max_age_ms;
    struct jwks *jwks;
    int64_t fetched_at_ms;
    int64_t next_fetch_at_ms;
    int64_t wanted_at_ms; /* the last fetch that an unknown kid caused */
    int64_t back_off_ms;
    struct error last_error;
};

static int64_t now_ms(const struct jwks_cache *cache)
{
    return cache->options.now_ms == NULL ? clock_monotonic_ms()
                                         : cache->options.now_ms(cache->options.arg);
}

static void schedule(struct jwks_cache *cache, int64_t at_ms)
{
    cache->next_fetch_at_ms = at_ms;
    loop_timer_start(cache->timer, at_ms - now_ms(cache));
}

/* max-age of a Cache-Control value in ms, -1 when it has none (RFC 9111 section 5.2). */
static int64_t read_max_age(struct slice value)
{
    struct slice rest = value;

    while (rest.data != NULL) {
        struct slice directive = slice_trim(slice_cut(&rest, ',')), seconds = directive;
        struct slice name = slice_cut(&seconds, '=');
        uint64_t number;

        if (slice_equal_nocase(name, "max-age") && parse_uint64(seconds.data, seconds.len, &number))
            return number > 86400 ? 86400 * 1000LL : (int64_t)number * 1000;
    }
    return -1;
}

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct jwks_cache *cache = arg;

    (void)status;
    cache->max_age_ms = -1;
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(headers[i].name, "cache-control"))
            cache->max_age_ms = read_max_age(headers[i].value);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct jwks_cache *cache = arg;
    struct error ignored = {0};

    /* The client enforces the limit; what does not fit for lack of memory fails as broken JSON. */
    (void)buffer_add(&cache->body, bytes, len, &ignored);
}

static void fetch_failed(struct jwks_cache *cache, const struct error *why)
{
    cache->last_error = *why;
    log_warn("jwks", "the issuer's keys could not be fetched; old keys serve while there are any",
             LOG_TEXT("error", why->message), LOG_BOOL("has_keys", cache->jwks != NULL),
             LOG_INT("retry_in_ms", cache->back_off_ms));
    if (cache->options.on_failure != NULL)
        cache->options.on_failure(cache->options.arg, why, cache->jwks != NULL);
    schedule(cache, now_ms(cache) + cache->back_off_ms);
    cache->back_off_ms =
        cache->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : cache->back_off_ms * 2;
}

static void take_set(struct jwks_cache *cache, struct jwks *jwks)
{
    int64_t fresh_ms = cache->max_age_ms < FRESH_MIN_MS   ? FRESH_MIN_MS
                       : cache->max_age_ms > FRESH_MAX_MS ? FRESH_MAX_MS
                                                          : cache->max_age_ms;

    jwks_free(cache->jwks);
    cache->jwks = jwks;
    cache->fetched_at_ms = now_ms(cache);
    cache->back_off_ms = BACK_OFF_MIN_MS;
    error_clear(&cache->last_error);
    schedule(cache, cache->fetched_at_ms + fresh_ms);
    cache->options.on_change(cache->options.arg, jwks);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct jwks_cache *cache = arg;
    struct error fault = {0};
    struct jwks *jwks = NULL;

    (void)answer;
    cache->call = NULL;
    if (err != NULL)
        fault = *err;
    else if (status != 200)
        error_set(&fault, ERROR_UPSTREAM, "%s answered %d", cache->url, status);
    else
        jwks = jwks_parse(cache->body.data, cache->body.len, &fault);
    buffer_clear(&cache->body);
    if (jwks != NULL)
        take_set(cache, jwks);
    else
        fetch_failed(cache, &fault);
}

static void start_fetch(struct jwks_cache *cache)
{
    static const struct http_call_events events = {on_head, on_data, on_done};
    struct http_header accept = {.name = slice_of("Accept"), .value = slice_of("application/json")};
    struct http_request_options options = {.method = "GET",
                                           .url = cache->url,
                                           .headers = &accept,
                                           .header_count = 1,
                                           .total_timeout_ms = FETCH_TIMEOUT_MS,
                                           .answer_max_bytes = ANSWER_MAX_BYTES};
    struct error err = {0};

    if (cache->call != NULL)
        return;
    cache->call = http_client_start(cache->client, &options, &events, cache, &err);
    if (cache->call == NULL)
        fetch_failed(cache, &err);
}

void jwks_cache_run_due(struct jwks_cache *cache)
{
    int64_t now = now_ms(cache);

    if (cache->jwks != NULL && now - cache->fetched_at_ms > STALE_MAX_MS) {
        jwks_free(cache->jwks);
        cache->jwks = NULL;
        log_error("jwks", "the issuer's keys are older than 24 hours and are not used any more");
        cache->options.on_change(cache->options.arg, NULL);
    }
    if (now >= cache->next_fetch_at_ms)
        start_fetch(cache);
}

static void on_timer(void *arg)
{
    jwks_cache_run_due(arg);
}

bool jwks_cache_want_kid(struct jwks_cache *cache)
{
    int64_t now = now_ms(cache);

    if (cache->call == NULL && now - cache->wanted_at_ms >= UNKNOWN_KID_INTERVAL_MS) {
        cache->wanted_at_ms = now;
        start_fetch(cache);
    }
    return cache->call != NULL;
}

struct jwks_cache *jwks_cache_new(struct loop *loop, struct http_client *client,
                                  const struct jwks_cache_options *options, struct error *err)
{
    struct jwks_cache *cache = calloc(1, sizeof *cache);

    if (cache != NULL) {
        cache->options = *options;
        cache->loop = loop;
        cache->client = client;
        cache->back_off_ms = BACK_OFF_MIN_MS;
        cache->url = strdup(options->url);
        buffer_init(&cache->body, ANSWER_MAX_BYTES);
        cache->timer = loop_timer_new(loop, on_timer, cache, err);
        if (cache->url != NULL && cache->timer != NULL) {
            cache->wanted_at_ms = now_ms(cache) - UNKNOWN_KID_INTERVAL_MS;
            start_fetch(cache);
            return cache;
        }
        jwks_cache_free(cache);
    }
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory for the key set");
    return NULL;
}

void jwks_cache_free(struct jwks_cache *cache)
{
    if (cache == NULL)
        return;
    http_call_cancel(cache->call);
    loop_timer_free(cache->timer);
    jwks_free(cache->jwks);
    buffer_clear(&cache->body);
    free(cache->url);
    free(cache);
}

struct jwks *jwks_cache_get(const struct jwks_cache *cache)
{
    return cache->jwks;
}

const char *jwks_cache_last_error(const struct jwks_cache *cache)
{
    return cache->last_error.message;
}
