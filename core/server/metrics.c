/* Counters in Prometheus' text form. One object per thread that counts; summed when scraped. */
#include "server/metrics.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX_COUNT 256

static const double bucket_limits_s[] = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};
#define BUCKET_COUNT (sizeof bucket_limits_s / sizeof bucket_limits_s[0])

struct series {
    char name[48];
    char labels[160];
    uint64_t value;
};

struct metrics {
    pthread_mutex_t lock; /* uncontended but while somebody scrapes */
    struct series series[SERIES_MAX_COUNT];
    size_t count;
    uint64_t buckets[BUCKET_COUNT + 1];
    uint64_t turn_count;
    double turn_sum_s;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);

    if (metrics != NULL)
        pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static struct series *find(struct metrics *metrics, const char *name, const char *labels)
{
    struct series *series;

    for (size_t i = 0; i < metrics->count; i++) {
        series = &metrics->series[i];
        if (strcmp(series->name, name) == 0 && strcmp(series->labels, labels) == 0)
            return series;
    }
    if (metrics->count == SERIES_MAX_COUNT)
        return NULL;
    series = &metrics->series[metrics->count++];
    (void)snprintf(series->name, sizeof series->name, "%s", name);
    (void)snprintf(series->labels, sizeof series->labels, "%s", labels);
    series->value = 0;
    return series;
}

static void add(struct metrics *metrics, const char *name, const char *labels, uint64_t value)
{
    struct series *series;

    pthread_mutex_lock(&metrics->lock);
    series = find(metrics, name, labels);
    if (series != NULL)
        series->value += value;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_count(struct metrics *metrics, const char *name, const char *labels)
{
    add(metrics, name, labels, 1);
}

void metrics_turn(struct metrics *metrics, int64_t duration_ms)
{
    double seconds = (double)duration_ms / 1000;
    size_t bucket = 0;

    while (bucket < BUCKET_COUNT && seconds > bucket_limits_s[bucket])
        bucket++;
    pthread_mutex_lock(&metrics->lock);
    metrics->buckets[bucket]++;
    metrics->turn_count++;
    metrics->turn_sum_s += seconds;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_add(struct metrics *total, struct metrics *part)
{
    pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < part->count; i++)
        add(total, part->series[i].name, part->series[i].labels, part->series[i].value);
    for (size_t i = 0; i <= BUCKET_COUNT; i++)
        total->buckets[i] += part->buckets[i];
    total->turn_count += part->turn_count;
    total->turn_sum_s += part->turn_sum_s;
    pthread_mutex_unlock(&part->lock);
}

static void write_turns(const struct metrics *total, struct buffer *out)
{
    struct error ignored = {0};
    uint64_t below = 0;

    (void)buffer_add_text(out, "# TYPE sesame_turn_seconds histogram\n", &ignored);
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        below += total->buckets[i];
        (void)buffer_printf(out, &ignored, "sesame_turn_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                            bucket_limits_s[i], below);
    }
    (void)buffer_printf(out, &ignored,
                        "sesame_turn_seconds_bucket{le=\"+Inf\"} %" PRIu64
                        "\n"
                        "sesame_turn_seconds_sum %.3f\nsesame_turn_seconds_count %" PRIu64 "\n",
                        total->turn_count, total->turn_sum_s, total->turn_count);
}

static int by_name(const void *a, const void *b)
{
    const struct series *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->labels, right->labels);
}

static void write_counters(struct metrics *total, struct buffer *out)
{
    struct error ignored = {0};

    qsort(total->series, total->count, sizeof total->series[0], by_name);
    for (size_t i = 0; i < total->count; i++) {
        const struct series *series = &total->series[i];

        if (i == 0 || strcmp(series->name, series[-1].name) != 0)
            (void)buffer_printf(out, &ignored, "# TYPE %s counter\n", series->name);
        (void)buffer_printf(out, &ignored, "%s{%s} %" PRIu64 "\n", series->name, series->labels,
                            series->value);
    }
}

void metrics_write(struct metrics *total, int64_t open_turns, struct buffer *out)
{
    struct secret_usage usage;
    struct error ignored = {0};

    secret_arena_usage(&usage);
    write_counters(total, out);
    write_turns(total, out);
    (void)buffer_printf(out, &ignored,
                        "# TYPE sesame_turns_open gauge\nsesame_turns_open %" PRId64
                        "\n"
                        "# TYPE sesame_secret_bytes gauge\n"
                        "sesame_secret_bytes{state=\"used\"} %zu\n"
                        "sesame_secret_bytes{state=\"free\"} %zu\n"
                        "# TYPE sesame_log_dropped_total counter\n"
                        "sesame_log_dropped_total %" PRIu64 "\n",
                        open_turns, usage.used_bytes, usage.free_bytes, log_dropped_count());
}
