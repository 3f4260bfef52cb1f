/* Reading answers that stay in locked memory: members that are no secret, and API errors. */
#include "alibaba.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER_MAX_BYTES 4096
#define JSON_DEPTH_MAX 32
#define MESSAGE_MAX_BYTES 512

/* Asked first, so that an answer of another kind (a proxy's page) is no line in the log. */
static bool is_json(const struct sesame_instance *instance, uint64_t answer)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text text, message;

    return answer != 0 && instance->secret->borrow(kit->host, answer, &text) == SESAME_OK &&
           kit->json->check(kit->host, text, JSON_DEPTH_MAX, &message) == SESAME_OK;
}

static bool read_raw(const struct sesame_instance *instance, uint64_t answer, const char *pointer,
                     char *out, size_t capacity, struct sesame_text *out_value)
{
    size_t len = 0;

    if (answer == 0 || instance->secret->json_read(instance->kit.host, answer, kit_text(pointer),
                                                   out, capacity, &len) != SESAME_OK)
        return false;
    *out_value = (struct sesame_text){out, len};
    return true;
}

char *answer_text(const struct sesame_instance *instance, uint64_t answer, const char *first,
                  const char *second)
{
    const char *pointers[] = {first, second};
    char raw[MEMBER_MAX_BYTES];
    struct sesame_text value;

    for (size_t i = 0; i < 2 && pointers[i] != NULL; i++) {
        char *text = NULL;

        if (read_raw(instance, answer, pointers[i], raw, sizeof raw, &value))
            text = kit_unquote(&instance->kit, value, NULL);
        if (text != NULL && text[0] != '\0')
            return text;
        free(text);
    }
    return NULL;
}

int64_t answer_integer(const struct sesame_instance *instance, uint64_t answer, const char *pointer)
{
    char raw[32];
    struct sesame_text value;
    int64_t number;

    return read_raw(instance, answer, pointer, raw, sizeof raw, &value) &&
                   kit_parse_int(value, &number)
               ? number
               : -1;
}

bool answer_bool(const struct sesame_instance *instance, uint64_t answer, const char *pointer)
{
    char raw[8];
    struct sesame_text value;

    return read_raw(instance, answer, pointer, raw, sizeof raw, &value) && kit_equal(value, "true");
}

bool answer_has(const struct sesame_instance *instance, uint64_t answer, const char *pointer)
{
    char none;
    size_t len;
    int32_t status = answer == 0 ? SESAME_NOT_FOUND
                                 : instance->secret->json_read(instance->kit.host, answer,
                                                               kit_text(pointer), &none, 0, &len);

    /* No value fits into nothing. */
    return status == SESAME_LIMIT;
}

/* ---- errors of the API ----------------------------------------------------------------------- */

/* The text of the first element `name` without markup in it; the caller frees. */
static char *xml_text(struct sesame_text xml, const char *open, const char *close)
{
    const char *begin = memmem(xml.data, xml.len, open, strlen(open)), *end;

    if (begin == NULL)
        return NULL;
    begin += strlen(open);
    end = memmem(begin, xml.len - (size_t)(begin - xml.data), close, strlen(close));
    return end == NULL || memchr(begin, '<', (size_t)(end - begin)) != NULL
               ? NULL
               : kit_copy((struct sesame_text){begin, (size_t)(end - begin)});
}

static void read_xml(const struct sesame_instance *instance, uint64_t answer, struct api_error *out)
{
    struct sesame_text xml;

    if (answer == 0 || instance->secret->borrow(instance->kit.host, answer, &xml) != SESAME_OK)
        return;
    out->code = xml_text(xml, "<Code>", "</Code>");
    out->message = xml_text(xml, "<Message>", "</Message>");
    out->request_id = xml_text(xml, "<RequestId>", "</RequestId>");
}

/* What a server says goes into logs: cut, and without control characters. */
static void tame(char *text)
{
    if (text == NULL)
        return;
    if (strlen(text) > MESSAGE_MAX_BYTES)
        text[MESSAGE_MAX_BYTES] = '\0';
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
}

void api_error_read(const struct call *call, uint64_t answer, struct api_error *out)
{
    const struct sesame_instance *instance = call->instance;

    memset(out, 0, sizeof *out);
    if (call->is_xml) {
        read_xml(instance, answer, out);
    } else if (is_json(instance, answer)) {
        out->code = answer_text(instance, answer, "/Code", "/code");
        out->message = answer_text(instance, answer, "/Message", "/message");
        out->request_id = answer_text(instance, answer, "/RequestId", "/requestId");
    }
    tame(out->code);
    tame(out->message);
    tame(out->request_id);
}

void api_error_clear(struct api_error *error)
{
    free(error->code);
    free(error->message);
    free(error->request_id);
    memset(error, 0, sizeof *error);
}
