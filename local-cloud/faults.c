/* Faults that tests order for the next requests: slow, failing, cut off or silent. */
#include "local-cloud/faults.h"

#include "base/error.h"
#include "base/json.h"
#include "local-cloud/memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/route.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fault {
    struct fault *next;
    char *route;
    int64_t times; /* -1: for ever */
    int64_t after;
    int64_t status;
    int64_t delay_ms;
    char *body;
    char *content_type;
    struct json_object *headers; /* may be NULL */
    bool is_cut;
    bool is_silent;
};

struct faults {
    struct fault *first;
};

struct faults *faults_new(void)
{
    return must_allocate(sizeof(struct faults));
}

static void fault_free(struct fault *fault)
{
    json_object_put(fault->headers);
    free(fault->content_type);
    free(fault->body);
    free(fault->route);
    free(fault);
}

void faults_reset(struct faults *faults)
{
    while (faults->first != NULL) {
        struct fault *fault = faults->first;

        faults->first = fault->next;
        fault_free(fault);
    }
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    faults_reset(faults);
    free(faults);
}

static bool check_names(struct json_object *order, struct error *err)
{
    static const char *const known[] = {"at",   "times",   "after",        "status", "delay_ms",
                                        "body", "headers", "content_type", "cut",    "hang"};
    const size_t known_count = sizeof known / sizeof known[0];

    if (!json_object_is_type(order, json_type_object))
        return error_set(err, ERROR_BAD_INPUT, "expected an object");
    json_object_object_foreach(order, name, value)
    {
        size_t i = 0;

        (void)value;
        while (i < known_count && strcmp(known[i], name) != 0)
            i++;
        if (i == known_count)
            return error_set(err, ERROR_BAD_INPUT,
                             "unknown member %.40s; known are at, times, after, status, delay_ms, "
                             "body, content_type, headers, cut, hang",
                             name);
    }
    return true;
}

static int64_t number_or(struct json_object *order, const char *name, int64_t otherwise)
{
    int64_t value;

    return json_get_int64(order, name, &value) ? value : otherwise;
}

static bool is_on(struct json_object *order, const char *name)
{
    bool value;

    return json_get_bool(order, name, &value) && value;
}

bool faults_add(struct faults *faults, struct json_object *order, struct error *err)
{
    struct fault **last = &faults->first;
    const char *route, *body, *content_type;
    struct fault *fault;
    int64_t status;

    if (!check_names(order, err))
        return false;
    route = json_get_string(order, "at", NULL);
    if (route == NULL || !route_is_known(route))
        return error_set(err, ERROR_BAD_INPUT, "member at: expected one of %s", route_list());
    status = number_or(order, "status", 0);
    if (status != 0 && (status < 200 || status > 599))
        return error_set(err, ERROR_BAD_INPUT, "member status: expected 200 to 599");
    body = json_get_string(order, "body", NULL);
    content_type = json_get_string(order, "content_type", NULL);

    fault = must_allocate(sizeof *fault);
    fault->route = must_copy(route);
    fault->times = number_or(order, "times", 1);
    fault->after = number_or(order, "after", 0);
    fault->status = status;
    fault->delay_ms = number_or(order, "delay_ms", 0);
    fault->body = must_copy(body == NULL ? "" : body);
    fault->content_type = must_copy(content_type == NULL ? "application/json" : content_type);
    fault->headers = json_object_get(json_get_object(order, "headers"));
    fault->is_cut = is_on(order, "cut");
    fault->is_silent = is_on(order, "hang");
    while (*last != NULL)
        last = &(*last)->next;
    *last = fault;
    return true;
}

static void write_reply(const struct fault *fault, struct reply *reply)
{
    reply->delay_ms = fault->delay_ms;
    if (fault->is_cut)
        reply->ending = REPLY_IS_CUT;
    if (fault->is_silent)
        reply->ending = REPLY_STAYS_OPEN;
    if (fault->status == 0)
        return;
    if (fault->headers != NULL) {
        json_object_object_foreach(fault->headers, name, value)
        {
            reply_header(reply, name, "%s", json_object_get_string(value));
        }
    }
    if (fault->is_cut || fault->is_silent) {
        /* A head that promises more than comes. */
        reply_stream(reply, (int)fault->status, fault->content_type);
        reply_piece(reply, 0, fault->body, strlen(fault->body));
    } else if (fault->body[0] == '\0') {
        reply_empty(reply, (int)fault->status);
    } else {
        reply_text(reply, (int)fault->status, fault->content_type, fault->body);
    }
}

bool faults_apply(struct faults *faults, const char *route, struct reply *reply)
{
    struct fault **at = &faults->first;
    struct fault *fault;
    bool is_whole;

    while (*at != NULL && strcmp((*at)->route, route) != 0)
        at = &(*at)->next;
    fault = *at;
    if (fault == NULL)
        return false;
    if (fault->after > 0) {
        fault->after--;
        return false;
    }
    write_reply(fault, reply);
    is_whole = fault->status != 0 || fault->is_cut || fault->is_silent;
    if (fault->times > 0 && --fault->times == 0) {
        *at = fault->next;
        fault_free(fault);
    }
    return is_whole;
}
