/* What was asked of the stand-in: counters and a bounded log that tests read on the control port.
 */
#include "local-cloud/journal.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

enum {
    ENTRY_MAX_COUNT = 4096,
    KEPT_MAX_BYTES = 64 << 20,
    BODY_KEPT_MAX_BYTES = 4 << 20,
    ROUTE_MAX_COUNT = 16,
};

struct header {
    char *name;
    char *value;
};

struct entry {
    struct entry *next;
    int64_t number;
    const char *route; /* static */
    char *method, *path, *query;
    struct header *headers;
    size_t header_count;
    char *body;
    size_t body_len; /* as it came */
    size_t kept_len; /* of the body */
    int64_t at_ms, ended_at_ms;
    int status;
    bool is_client_gone;
};

struct count {
    const char *route;
    int64_t requests;
    int64_t client_gone;
};

struct journal {
    struct entry *first, *last;
    size_t entry_count;
    size_t kept_bytes;
    int64_t newest;
    int64_t dropped;
    struct count counts[ROUTE_MAX_COUNT];
    size_t count_count;
};

struct journal *journal_new(void)
{
    return must_allocate(sizeof(struct journal));
}

static void entry_free(struct entry *entry)
{
    for (size_t i = 0; i < entry->header_count; i++) {
        free(entry->headers[i].name);
        free(entry->headers[i].value);
    }
    free(entry->headers);
    free(entry->body);
    free(entry->query);
    free(entry->path);
    free(entry->method);
    free(entry);
}

static void drop_first(struct journal *journal)
{
    struct entry *entry = journal->first;

    journal->first = entry->next;
    if (journal->first == NULL)
        journal->last = NULL;
    journal->entry_count--;
    journal->kept_bytes -= entry->kept_len;
    entry_free(entry);
}

void journal_reset(struct journal *journal)
{
    while (journal->first != NULL)
        drop_first(journal);
    journal->dropped = 0;
    journal->count_count = 0;
    memset(journal->counts, 0, sizeof journal->counts);
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    journal_reset(journal);
    free(journal);
}

static struct count *count_of(struct journal *journal, const char *route)
{
    for (size_t i = 0; i < journal->count_count; i++)
        if (strcmp(journal->counts[i].route, route) == 0)
            return &journal->counts[i];
    if (journal->count_count == ROUTE_MAX_COUNT)
        return &journal->counts[0];
    journal->counts[journal->count_count].route = route;
    return &journal->counts[journal->count_count++];
}

static void add_header(struct entry *entry, struct slice name, struct slice value)
{
    struct header *header = &entry->headers[entry->header_count++];

    header->name = must_copy_bytes(name.data, name.len);
    header->value = must_copy_bytes(value.data, value.len);
    for (char *c = header->name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

static struct entry *entry_new(const struct request *request)
{
    struct entry *entry = must_allocate(sizeof *entry);

    entry->method = must_copy_bytes(request->method.data, request->method.len);
    entry->path = must_copy_bytes(request->path.data, request->path.len);
    entry->query = must_copy_bytes(request->query.data, request->query.len);
    entry->headers = must_allocate((request->field_count + 1) * sizeof *entry->headers);
    for (size_t i = 0; i < request->field_count; i++)
        add_header(entry, request->fields[i].name, request->fields[i].value);
    if (request->authorization_count > 0)
        add_header(entry, slice_of("authorization"), request->authorization);
    entry->body_len = request->body.len;
    entry->kept_len =
        request->body.len < BODY_KEPT_MAX_BYTES ? request->body.len : BODY_KEPT_MAX_BYTES;
    entry->body = must_copy_bytes(request->body.data, entry->kept_len);
    entry->at_ms = request->now_ms;
    return entry;
}

int64_t journal_begin(struct journal *journal, const char *route, const struct request *request)
{
    struct entry *entry = entry_new(request);

    entry->number = ++journal->newest;
    entry->route = route;
    count_of(journal, route)->requests++;
    if (journal->last == NULL)
        journal->first = entry;
    else
        journal->last->next = entry;
    journal->last = entry;
    journal->entry_count++;
    journal->kept_bytes += entry->kept_len;
    while (journal->entry_count > ENTRY_MAX_COUNT ||
           (journal->kept_bytes > KEPT_MAX_BYTES && journal->entry_count > 1)) {
        drop_first(journal);
        journal->dropped++;
    }
    return entry->number;
}

static struct entry *find_entry(const struct journal *journal, int64_t number)
{
    for (struct entry *entry = journal->first; entry != NULL; entry = entry->next)
        if (entry->number == number)
            return entry;
    return NULL;
}

void journal_end(struct journal *journal, int64_t number, int status, bool is_client_gone,
                 int64_t now_ms)
{
    struct entry *entry = find_entry(journal, number);

    if (entry == NULL)
        return;
    entry->status = status;
    entry->is_client_gone = is_client_gone;
    entry->ended_at_ms = now_ms;
    if (is_client_gone)
        count_of(journal, entry->route)->client_gone++;
}

struct json_object *journal_counts(const struct journal *journal)
{
    struct json_object *requests = must_have(json_object_new_object());
    struct json_object *gone = must_have(json_object_new_object());

    for (size_t i = 0; i < journal->count_count; i++) {
        const struct count *count = &journal->counts[i];

        json_object_object_add(requests, count->route, json_object_new_int64(count->requests));
        if (count->client_gone > 0)
            json_object_object_add(gone, count->route, json_object_new_int64(count->client_gone));
    }
    return json_pack("{counts:o,client_gone:o,dropped:i}", requests, gone, journal->dropped);
}

static struct json_object *entry_summary(const struct entry *entry)
{
    struct json_object *names = must_have(json_object_new_array());

    for (size_t i = 0; i < entry->header_count; i++)
        json_object_array_add(names, json_object_new_string(entry->headers[i].name));
    return json_pack(
        "{number:i,route:s,method:s,path:s,header_names:o,body_bytes:i,at_ms:i,"
        "ended_at_ms:i,status:i,client_gone:b}",
        entry->number, entry->route, entry->method, entry->path, names, (int64_t)entry->body_len,
        entry->at_ms, entry->ended_at_ms, (int64_t)entry->status, entry->is_client_gone);
}

struct json_object *journal_list(const struct journal *journal, const char *route, int64_t after)
{
    struct json_object *list = must_have(json_object_new_array());

    for (const struct entry *entry = journal->first; entry != NULL; entry = entry->next)
        if (entry->number > after && (route == NULL || strcmp(route, entry->route) == 0))
            json_object_array_add(list, entry_summary(entry));
    return list;
}

struct json_object *journal_show(const struct journal *journal, int64_t number)
{
    const struct entry *entry = find_entry(journal, number);
    struct json_object *headers, *shown;

    if (entry == NULL)
        return NULL;
    headers = must_have(json_object_new_array());
    for (size_t i = 0; i < entry->header_count; i++)
        json_object_array_add(headers,
                              json_pack("[ss]", entry->headers[i].name, entry->headers[i].value));
    shown = entry_summary(entry);
    json_object_object_add(shown, "query", json_object_new_string(entry->query));
    json_object_object_add(shown, "headers", headers);
    json_object_object_add(shown, "body",
                           json_object_new_string_len(entry->body, (int)entry->kept_len));
    return shown;
}

/* The forms in which a secret may hide. */
struct needles {
    struct slice plain;
    struct buffer base64;
    struct buffer percent;
};

static bool holds(const char *bytes, size_t len, const struct needles *needles)
{
    if (memmem(bytes, len, needles->plain.data, needles->plain.len) != NULL)
        return true;
    if (needles->base64.len > 0 &&
        memmem(bytes, len, needles->base64.data, needles->base64.len) != NULL)
        return true;
    return memmem(bytes, len, needles->percent.data, needles->percent.len) != NULL;
}

/* "Basic" credentials are Base64 of "id:secret", so the text may begin at any of three places in a
 * group; decoding what looks like Base64 finds it wherever it begins. */
static bool hides_in_basic(const char *value, const struct needles *needles)
{
    CLEANUP(buffer_wipe) struct buffer decoded;
    struct error err = {0};

    buffer_init(&decoded, 1 << 20);
    if (strncasecmp(value, "basic ", 6) != 0 ||
        !base64_decode(value + 6, strlen(value + 6), &decoded, &err))
        return false;
    return decoded.len > 0 && holds(decoded.data, decoded.len, needles);
}

static struct json_object *places_in(const struct entry *entry, const struct needles *needles)
{
    struct json_object *where = must_have(json_object_new_array());

    if (holds(entry->path, strlen(entry->path), needles))
        json_object_array_add(where, json_object_new_string("path"));
    if (holds(entry->query, strlen(entry->query), needles))
        json_object_array_add(where, json_object_new_string("query"));
    for (size_t i = 0; i < entry->header_count; i++) {
        const struct header *header = &entry->headers[i];
        CLEANUP(cleanup_free) char *name = must_format("header %s", header->name);

        if (holds(header->value, strlen(header->value), needles) ||
            hides_in_basic(header->value, needles))
            json_object_array_add(where, json_object_new_string(name));
    }
    if (holds(entry->body, entry->kept_len, needles))
        json_object_array_add(where, json_object_new_string("body"));
    return where;
}

struct json_object *journal_find(const struct journal *journal, struct slice text)
{
    struct json_object *list = must_have(json_object_new_array());
    CLEANUP(buffer_wipe) struct buffer base64;
    CLEANUP(buffer_wipe) struct buffer percent;
    struct error err = {0};

    buffer_init(&base64, 1 << 20);
    buffer_init(&percent, 1 << 20);
    /* Only whole groups, because padding depends on what stands behind. */
    if (text.len == 0 || !base64_encode(text.data, text.len - text.len % 3, &base64, &err) ||
        !percent_encode(text.data, text.len, &percent, &err))
        return list;
    for (const struct entry *entry = journal->first; entry != NULL; entry = entry->next) {
        const struct needles needles = {text, base64, percent};
        struct json_object *where = places_in(entry, &needles);

        if (json_object_array_length(where) > 0)
            json_object_array_add(
                list, json_pack("{number:i,route:s,where:o}", entry->number, entry->route, where));
        else
            json_object_put(where);
    }
    return list;
}
