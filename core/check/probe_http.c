/* The probe's HTTP service: sends requests to the scripted server and guards what comes back. */
#include "check/probe_private.h"

#include "check/guarded.h"
#include "check/probe.h"
#include "net/http_client.h"
#include "plugin/instance.h"

#include <sesame/services.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX_COUNT 256
#define FIELD_MAX_COUNT 128

/* What a request's events belong to; the index in the table is the tag that the host gets. */
static struct request {
    const struct sesame_http_events *events; /* NULL: free */
    uint64_t tag;
} requests[REQUEST_MAX_COUNT];

static const char *target;
static atomic_size_t started;

/* ---- events ---------------------------------------------------------------------------------- */

static void on_head(struct sesame_instance *instance, uint64_t slot, int32_t status,
                    const struct sesame_http_field *headers, size_t count)
{
    struct sesame_http_field copies[FIELD_MAX_COUNT];
    struct guarded memory = {0};

    if (requests[slot].events->on_head == NULL)
        return;
    count = count > FIELD_MAX_COUNT ? FIELD_MAX_COUNT : count;
    for (size_t i = 0; i < count; i++) {
        copies[i] = headers[i];
        copies[i].name = guarded_text(&memory, headers[i].name);
        copies[i].value = guarded_text(&memory, headers[i].value);
    }
    requests[slot].events->on_head(instance, requests[slot].tag, status,
                                   guarded_bytes(&memory, copies, count * sizeof copies[0]), count);
    guarded_release(&memory);
}

static void on_data(struct sesame_instance *instance, uint64_t slot, struct sesame_text bytes)
{
    struct guarded memory = {0};

    if (requests[slot].events->on_data != NULL)
        requests[slot].events->on_data(instance, requests[slot].tag, guarded_text(&memory, bytes));
    guarded_release(&memory);
}

static void on_done(struct sesame_instance *instance, uint64_t slot, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct request request = requests[slot];
    struct guarded memory = {0};

    requests[slot].events = NULL;
    request.events->on_done(instance, request.tag, status, guarded_text(&memory, message), answer);
    guarded_release(&memory);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The same path at the scripted server; what the plugin may not call is left as it is and refused
 * by the host. */
static char *redirect(const struct sesame_host *host, struct sesame_text url)
{
    const struct plugin_instance *instance;
    struct error ignored = {0};
    const char *path;
    char *text, *redirected = NULL;

    memcpy(&instance, &host, sizeof instance);
    text = strndup(url.data == NULL ? "" : url.data, url.len);
    if (text != NULL && target != NULL && strstr(text, "://") != NULL &&
        instance_grants(instance, slice_from(url), &ignored)) {
        path = strpbrk(strstr(text, "://") + 3, "/?");
        if (asprintf(&redirected, "%s%s", target, path == NULL ? "" : path) < 0)
            redirected = NULL;
    }
    if (redirected == NULL)
        return text;
    free(text);
    return redirected;
}

static int32_t start(const struct sesame_host *host, const struct sesame_http_request *request,
                     const struct sesame_http_events *events, uint64_t tag, uint64_t *out_http)
{
    static const struct sesame_http_events own = {on_head, on_data, on_done};
    struct sesame_http_request copy = *request;
    size_t slot = 0;
    char *url = redirect(host, request->url);
    int32_t status;

    atomic_fetch_add(&started, 1);
    probe_look("a request's URL", request->url.data, request->url.len);
    while (slot < REQUEST_MAX_COUNT && requests[slot].events != NULL)
        slot++;
    if (slot == REQUEST_MAX_COUNT || url == NULL) {
        free(url);
        return SESAME_LIMIT;
    }
    copy.url = text_of(url);
    requests[slot] = (struct request){events, tag};
    status = service_http.start(host, &copy, &own, slot, out_http);
    if (status != SESAME_OK)
        requests[slot].events = NULL;
    free(url);
    return status;
}

static void cancel(const struct sesame_host *host, uint64_t http)
{
    service_http.cancel(host, http);
}

static void pause_(const struct sesame_host *host, uint64_t http, int32_t is_paused)
{
    service_http.pause(host, http, is_paused);
}

const void *probe_http(void)
{
    static const struct sesame_http_v1 table = {start, cancel, pause_};

    return &table;
}

void probe_http_redirect(const char *url)
{
    target = url;
}

size_t probe_request_count(void)
{
    return atomic_load(&started);
}
