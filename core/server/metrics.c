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
#define HISTOGRAM_MAX_COUNT 48

static const double bucket_limits_s[] = {0.005, 0.025, 0.1, 0.25, 0.5, 1,  2.5,
                                         5,     10,    30,  60,   120, 300};
#define BUCKET_COUNT (sizeof bucket_limits_s / sizeof bucket_limits_s[0])

struct series {
    char name[48];
    char labels[160];
    uint64_t value;
};

struct histogram {
    char name[48];
    char labels[160];
    uint64_t buckets[BUCKET_COUNT + 1];
    uint64_t count;
    double sum_s;
};

struct metrics {
    pthread_mutex_t lock; /* uncontended but while somebody scrapes */
    struct series series[SERIES_MAX_COUNT];
    size_t count;
    struct histogram histograms[HISTOGRAM_MAX_COUNT];
    size_t histogram_count;
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

/* With the lock held; NULL when there are too many. */
static struct histogram *find_histogram(struct metrics *metrics, const char *name,
                                        const char *labels)
{
    struct histogram *histogram;

    for (size_t i = 0; i < metrics->histogram_count; i++) {
        histogram = &metrics->histograms[i];
        if (strcmp(histogram->name, name) == 0 && strcmp(histogram->labels, labels) == 0)
            return histogram;
    }
    if (metrics->histogram_count == HISTOGRAM_MAX_COUNT)
        return NULL;
    histogram = &metrics->histograms[metrics->histogram_count++];
    (void)snprintf(histogram->name, sizeof histogram->name, "%s", name);
    (void)snprintf(histogram->labels, sizeof histogram->labels, "%s", labels);
    return histogram;
}

void metrics_observe(struct metrics *metrics, const char *name, const char *labels,
                     int64_t duration_ms)
{
    double seconds = (double)duration_ms / 1000;
    struct histogram *histogram;
    size_t bucket = 0;

    while (bucket < BUCKET_COUNT && seconds > bucket_limits_s[bucket])
        bucket++;
    pthread_mutex_lock(&metrics->lock);
    histogram = find_histogram(metrics, name, labels);
    if (histogram != NULL) {
        histogram->buckets[bucket]++;
        histogram->count++;
        histogram->sum_s += seconds;
    }
    pthread_mutex_unlock(&metrics->lock);
}

static void add_histogram(struct metrics *total, const struct histogram *part)
{
    struct histogram *sum = find_histogram(total, part->name, part->labels);

    if (sum == NULL)
        return;
    for (size_t i = 0; i <= BUCKET_COUNT; i++)
        sum->buckets[i] += part->buckets[i];
    sum->count += part->count;
    sum->sum_s += part->sum_s;
}

void metrics_add(struct metrics *total, struct metrics *part)
{
    pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < part->count; i++)
        add(total, part->series[i].name, part->series[i].labels, part->series[i].value);
    for (size_t i = 0; i < part->histogram_count; i++)
        add_histogram(total, &part->histograms[i]);
    pthread_mutex_unlock(&part->lock);
}

static void write_histogram(const struct histogram *histogram, struct buffer *out)
{
    const char *labels = histogram->labels, *comma = labels[0] == '\0' ? "" : ",";
    const char *open = labels[0] == '\0' ? "" : "{", *close = labels[0] == '\0' ? "" : "}";
    struct error ignored = {0};
    uint64_t below = 0;

    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        below += histogram->buckets[i];
        (void)buffer_printf(out, &ignored, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n",
                            histogram->name, labels, comma, bucket_limits_s[i], below);
    }
    (void)buffer_printf(out, &ignored, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", histogram->name,
                        labels, comma, histogram->count);
    (void)buffer_printf(out, &ignored, "%s_sum%s%s%s %.3f\n%s_count%s%s%s %" PRIu64 "\n",
                        histogram->name, open, labels, close, histogram->sum_s, histogram->name,
                        open, labels, close, histogram->count);
}

static int by_histogram(const void *a, const void *b)
{
    const struct histogram *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->labels, right->labels);
}

static void write_histograms(struct metrics *total, struct buffer *out)
{
    struct error ignored = {0};

    qsort(total->histograms, total->histogram_count, sizeof total->histograms[0], by_histogram);
    for (size_t i = 0; i < total->histogram_count; i++) {
        const struct histogram *histogram = &total->histograms[i];

        if (i == 0 || strcmp(histogram->name, histogram[-1].name) != 0)
            (void)buffer_printf(out, &ignored, "# TYPE %s histogram\n", histogram->name);
        write_histogram(histogram, out);
    }
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
    write_histograms(total, out);
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
