/* Small helpers for plugin code, outside the contract. */
#include "plugins/kit/kit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUFFER_MAX_BYTES (16 * 1024 * 1024)

bool kit_open(struct kit *kit, const struct sesame_host *host)
{
    kit->host = host;
    kit->log = host->get_service(host, SESAME_LOG_V1);
    kit->json = host->get_service(host, SESAME_JSON_V1);
    kit->clock = host->get_service(host, SESAME_CLOCK_V1);
    return kit->log != NULL && kit->json != NULL && kit->clock != NULL;
}

struct sesame_text kit_text(const char *text)
{
    return (struct sesame_text){text, text == NULL ? 0 : strlen(text)};
}

bool kit_equal(struct sesame_text text, const char *other)
{
    return text.len == strlen(other) && (text.len == 0 || memcmp(text.data, other, text.len) == 0);
}

bool kit_equal_nocase(struct sesame_text text, const char *other)
{
    return text.len == strlen(other) &&
           (text.len == 0 || strncasecmp(text.data, other, text.len) == 0);
}

size_t kit_prefix(struct sesame_text text, size_t max_bytes)
{
    size_t len = text.len < max_bytes ? text.len : max_bytes;

    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

char *kit_copy(struct sesame_text text)
{
    char *copy = malloc(text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* ---- growing text ---------------------------------------------------------------------------- */

/* Room for `more` bytes and a NUL. */
static bool reserve(struct kit_buffer *buffer, size_t more)
{
    size_t wanted = buffer->len + more + 1, capacity;
    char *grown;

    if (buffer->has_failed || more > BUFFER_MAX_BYTES || wanted > BUFFER_MAX_BYTES) {
        buffer->has_failed = true;
        return false;
    }
    if (wanted <= buffer->capacity)
        return true;
    capacity = buffer->capacity * 2 > wanted ? buffer->capacity * 2 : wanted + 64;
    grown = realloc(buffer->data, capacity);
    if (grown == NULL) {
        buffer->has_failed = true;
        return false;
    }
    buffer->data = grown;
    buffer->capacity = capacity;
    return true;
}

void kit_add_text(struct kit_buffer *buffer, struct sesame_text text)
{
    if (!reserve(buffer, text.len))
        return;
    if (text.len > 0)
        memcpy(buffer->data + buffer->len, text.data, text.len);
    buffer->len += text.len;
    buffer->data[buffer->len] = '\0';
}

void kit_add(struct kit_buffer *buffer, const char *text)
{
    kit_add_text(buffer, kit_text(text));
}

void kit_add_number(struct kit_buffer *buffer, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, number); /* 20 characters at most */
    kit_add(buffer, text);
}

void kit_add_quoted(const struct kit *kit, struct kit_buffer *buffer, struct sesame_text text)
{
    /* Most text needs few escapes; only what needs more gets six bytes for each of its own. */
    size_t capacity = text.len + text.len / 8 + 64, most = 6 * text.len + 2, len = 0;
    int32_t status = SESAME_LIMIT;

    for (;;) {
        if (!reserve(buffer, capacity))
            return;
        status = kit->json->quote(kit->host, text, buffer->data + buffer->len, capacity, &len);
        if (status != SESAME_LIMIT || capacity >= most)
            break;
        capacity = most;
    }
    if (status != SESAME_OK) {
        buffer->has_failed = true;
        return;
    }
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
}

void kit_add_percent(struct kit_buffer *buffer, struct sesame_text text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool is_plain = c < 0x80 && c != '\0' && (isalnum(c) || strchr("-._~", c) != NULL);

        kit_add_text(buffer, is_plain ? (struct sesame_text){&text.data[i], 1}
                                      : (struct sesame_text){escaped, 3});
    }
}

bool kit_url_climbs(struct sesame_text url)
{
    size_t begin = 0, end;

    for (; begin <= url.len; begin = end + 1) {
        for (end = begin; end < url.len && strchr("/?#", url.data[end]) == NULL;)
            end++;
        if (end - begin > 0 && end - begin <= 2 && strspn(url.data + begin, ".") >= end - begin)
            return true;
        if (end < url.len && url.data[end] != '/')
            return false;
    }
    return false;
}

bool kit_type_is_text(const char *type)
{
    static const char *const marks[] = {"json", "text/", "xml", "x-www-form-urlencoded"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcasestr(type, marks[i]) != NULL)
            return true;
    return type[0] == '\0';
}

struct sesame_text kit_buffer_text(const struct kit_buffer *buffer)
{
    return (struct sesame_text){buffer->data, buffer->len};
}

void kit_clear(struct kit_buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

/* ---- reading JSON ---------------------------------------------------------------------------- */

bool kit_is_object(struct sesame_text json)
{
    return json.len > 0 && json.data[0] == '{';
}

bool kit_is_array(struct sesame_text json)
{
    return json.len > 0 && json.data[0] == '[';
}

bool kit_is_string(struct sesame_text json)
{
    return json.len > 0 && json.data[0] == '"';
}

bool kit_is_number(struct sesame_text json)
{
    return json.len > 0 && (json.data[0] == '-' || (json.data[0] >= '0' && json.data[0] <= '9'));
}

bool kit_find(const struct kit *kit, struct sesame_text json, const char *pointer,
              struct sesame_text *out_value)
{
    return json.len > 0 &&
           kit->json->find(kit->host, json, kit_text(pointer), out_value) == SESAME_OK;
}

char *kit_unquote(const struct kit *kit, struct sesame_text literal, size_t *out_len)
{
    char *text;
    size_t len = 0;

    if (literal.len < 2 || !kit_is_string(literal))
        return NULL;
    text = malloc(literal.len);
    if (text == NULL)
        return NULL;
    if (kit->json->unquote(kit->host, literal, text, literal.len, &len) != SESAME_OK) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    if (out_len != NULL)
        *out_len = len;
    return text;
}

char *kit_get_string(const struct kit *kit, struct sesame_text json, const char *pointer)
{
    struct sesame_text value;

    return kit_find(kit, json, pointer, &value) ? kit_unquote(kit, value, NULL) : NULL;
}

bool kit_parse_int(struct sesame_text text, int64_t *out_value)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    size_t i = is_negative ? 1 : 0;
    int64_t value = 0;

    if (i == text.len || text.len - i > 18)
        return false;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *out_value = is_negative ? -value : value;
    return true;
}

bool kit_get_int(const struct kit *kit, struct sesame_text json, const char *pointer,
                 int64_t *out_value)
{
    struct sesame_text value;

    return kit_find(kit, json, pointer, &value) && kit_parse_int(value, out_value);
}

bool kit_get_bool(const struct kit *kit, struct sesame_text json, const char *pointer)
{
    struct sesame_text value;

    return kit_find(kit, json, pointer, &value) && kit_equal(value, "true");
}

const char *kit_file_fault(int32_t status)
{
    switch (status) {
    case SESAME_NOT_FOUND:
        return "there is no such file";
    case SESAME_DENIED:
        return "it cannot be read";
    case SESAME_BAD_INPUT:
        return "it is empty";
    case SESAME_LIMIT:
        return "it is larger than 64 KiB";
    default:
        return "reading it failed";
    }
}
