/* sesame plugin list: what is installed, and how it does in the host that runs. */
#include "cli/plugin_list.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/catalogue.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USE_MAX_COUNT 64
#define TIMEOUT_MS 2000
#define FAILURES_SIZE 120

/* ---- GET /metrics ---------------------------------------------------------------------------- */

struct scrape {
    struct buffer text;
    int status;
    bool is_done;
};

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct scrape *scrape = arg;
    struct error ignored = {0};

    (void)buffer_add(&scrape->text, bytes, len, &ignored);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct scrape *scrape = arg;

    (void)answer;
    scrape->status = err == NULL ? status : 0;
    scrape->is_done = true;
}

/* Whoever listens everywhere listens here too. */
static void make_url(const char *listen, char *out, size_t size)
{
    const char *port = strrchr(listen, ':');
    bool is_any = strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;

    (void)snprintf(out, size, "http://%.*s%s/metrics",
                   is_any || port == NULL ? 9 : (int)(port - listen), is_any ? "127.0.0.1" : listen,
                   port == NULL ? "" : port);
}

static bool run_scrape(const char *listen, struct scrape *scrape)
{
    static const struct http_call_events events = {NULL, on_data, on_done};
    struct error err = {0};
    char url[200];
    struct http_request_options options = {
        .method = "GET", .url = url, .total_timeout_ms = TIMEOUT_MS};
    struct loop *loop = loop_new(&err);
    struct http_client *http = loop == NULL ? NULL : http_client_new(loop, NULL, &err);

    make_url(listen, url, sizeof url);
    if (http != NULL && http_client_start(http, &options, &events, scrape, &err) != NULL)
        while (!scrape->is_done)
            loop_run_once(loop, 100);
    http_client_free(http);
    loop_free(loop);
    return scrape->status == 200;
}

/* ---- reading it ------------------------------------------------------------------------------ */

struct use {
    char name[100], plugin[50], version[50], placement[20], state[20];
    char failures[FAILURES_SIZE]; /* "3 timed_out, 1 denied" */
    int64_t calls, restarts, memory_bytes;
    int64_t timed;           /* calls in the histogram */
    char half[20], most[20]; /* the bounds in seconds below which 50 and 99 of 100 stay */
};

struct report {
    struct use uses[USE_MAX_COUNT];
    size_t count;
};

/* The value of the label `name`, "" when there is none. */
static void copy_label(struct slice line, const char *name, char *out, size_t size)
{
    char before[40];
    const char *found, *end;

    out[0] = '\0';
    (void)snprintf(before, sizeof before, "%s=\"", name);
    found = memmem(line.data, line.len, before, strlen(before));
    if (found == NULL)
        return;
    found += strlen(before);
    end = memchr(found, '"', line.len - (size_t)(found - line.data));
    if (end != NULL)
        (void)snprintf(out, size, "%.*s", (int)(end - found), found);
}

static struct use *find_use(struct report *report, struct slice line)
{
    char name[100];

    copy_label(line, "use", name, sizeof name);
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->uses[i].name, name) == 0)
            return &report->uses[i];
    if (name[0] == '\0' || report->count == USE_MAX_COUNT)
        return NULL;
    memcpy(report->uses[report->count].name, name, sizeof name);
    return &report->uses[report->count++];
}

static int64_t value_of(struct slice line)
{
    const char *blank = memrchr(line.data, ' ', line.len);
    int64_t value = 0;

    if (blank != NULL)
        (void)parse_int64(blank + 1, line.len - (size_t)(blank + 1 - line.data), &value);
    return value;
}

static void add_calls(struct use *use, struct slice line)
{
    size_t used = strlen(use->failures);
    char outcome[30];

    copy_label(line, "outcome", outcome, sizeof outcome);
    use->calls += value_of(line);
    if (strcmp(outcome, "ok") != 0)
        (void)snprintf(use->failures + used, sizeof use->failures - used, "%s%" PRId64 " %s",
                       used == 0 ? "" : ", ", value_of(line), outcome);
}

/* Lines come from the lowest bound to the highest. The count of all is not known before the last,
 * so this runs twice: `is_second` with it. */
static void add_bucket(struct use *use, struct slice line, bool is_second)
{
    int64_t below = value_of(line);
    char bound[20];

    copy_label(line, "le", bound, sizeof bound);
    if (!is_second) {
        use->timed = below;
        return;
    }
    if (use->half[0] == '\0' && below * 2 >= use->timed)
        memcpy(use->half, bound, sizeof bound);
    if (use->most[0] == '\0' && below * 100 >= use->timed * 99)
        memcpy(use->most, bound, sizeof bound);
}

static void read_line(struct report *report, struct slice line, bool is_second)
{
    static const char info[] = "sesame_plugin_info{", calls[] = "sesame_plugin_calls_total{",
                      bucket[] = "sesame_plugin_call_seconds_bucket{",
                      state[] = "sesame_plugin_state{",
                      restarts[] = "sesame_plugin_restarts_total{",
                      memory[] = "sesame_plugin_memory_bytes{";
    struct use *use;

    if (line.len < 15 || memcmp(line.data, "sesame_plugin_", 14) != 0 ||
        (use = find_use(report, line)) == NULL)
        return;
    if (slice_starts_with(line, bucket)) {
        add_bucket(use, line, is_second);
    } else if (is_second) {
        return;
    } else if (slice_starts_with(line, info)) {
        copy_label(line, "plugin", use->plugin, sizeof use->plugin);
        copy_label(line, "version", use->version, sizeof use->version);
        copy_label(line, "placement", use->placement, sizeof use->placement);
    } else if (slice_starts_with(line, state)) {
        if (value_of(line) == 1)
            copy_label(line, "state", use->state, sizeof use->state);
    } else if (slice_starts_with(line, calls)) {
        add_calls(use, line);
    } else if (slice_starts_with(line, restarts)) {
        use->restarts = value_of(line);
    } else if (slice_starts_with(line, memory)) {
        use->memory_bytes = value_of(line);
    }
}

static void read_report(struct slice text, struct report *report)
{
    for (int pass = 0; pass < 2; pass++) {
        struct slice rest = text;

        while (rest.data != NULL && rest.len > 0)
            read_line(report, slice_cut(&rest, '\n'), pass == 1);
    }
}

static void print_report(const char *listen, const struct report *report)
{
    printf("\nin the host whose metrics are at %s\n", listen);
    printf("%-24s %-20s %-8s %-9s %-10s %7s %8s %9s %s\n", "use", "plugin", "version", "placement",
           "state", "calls", "restarts", "memory", "50%, 99% below; failures");
    for (size_t i = 0; i < report->count; i++) {
        const struct use *use = &report->uses[i];
        char memory[32] = "-", restarts[32] = "-";

        if (use->state[0] == '\0')
            continue; /* of an earlier configuration */
        if (use->memory_bytes > 0)
            (void)snprintf(memory, sizeof memory, "%" PRId64 " KiB", use->memory_bytes / 1024);
        if (strcmp(use->placement, "process") == 0)
            (void)snprintf(restarts, sizeof restarts, "%" PRId64, use->restarts);
        printf("%-24s %-20s %-8s %-9s %-10s %7" PRId64 " %8s %9s ", use->name, use->plugin,
               use->version, use->placement, use->state, use->calls, restarts, memory);
        if (use->timed > 0)
            printf("%s s, %s s; ", use->half, use->most);
        printf("%s\n", use->failures[0] == '\0' ? "none" : use->failures);
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

int plugin_list(const struct plugin_catalogue *catalogue, const struct host_config *config)
{
    struct report *report;
    struct scrape scrape = {.status = 0};

    for (size_t i = 0; i < plugin_catalogue_count(catalogue); i++) {
        const struct plugin_manifest *manifest = plugin_catalogue_at(catalogue, i);

        printf("%-22s %-8s %-8s %s\n", manifest->id, manifest->version,
               placement_text(manifest->placement), manifest->description);
    }
    if (config == NULL || config->metrics_listen[0] == '\0')
        return EXIT_DONE;
    buffer_init(&scrape.text, 4 * 1024 * 1024);
    report = calloc(1, sizeof *report);
    if (report != NULL && run_scrape(config->metrics_listen, &scrape)) {
        read_report((struct slice){scrape.text.data, scrape.text.len}, report);
        print_report(config->metrics_listen, report);
    } else {
        printf("\nno host answers at metrics.listen (%s)\n", config->metrics_listen);
    }
    free(report);
    buffer_clear(&scrape.text);
    return EXIT_DONE;
}
