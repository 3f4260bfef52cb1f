/* Makes JSON values from a short picture of them. */
#include "local-cloud/json_pack.h"

#include "local-cloud/memory.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <json-c/json.h>

/* A struct, so that the argument list can be handed on by pointer on every platform. */
struct packer {
    const char *at;
    va_list arguments;
};

static struct json_object *pack_value(struct packer *packer, bool *out_is_absent);

static size_t name_length(const char *at)
{
    size_t len = 0;

    while (isalnum((unsigned char)at[len]) || (at[len] != '\0' && strchr("_-.$", at[len]) != NULL))
        len++;
    return len;
}

static struct json_object *pack_object(struct packer *packer)
{
    struct json_object *object = must_have(json_object_new_object());
    char name[64];

    while (*packer->at != '}') {
        size_t len = name_length(packer->at);
        bool is_absent = false;
        struct json_object *value;

        assert(len > 0 && len < sizeof name && packer->at[len] == ':');
        memcpy(name, packer->at, len);
        name[len] = '\0';
        packer->at += len + 1;
        value = pack_value(packer, &is_absent);
        if (!is_absent)
            json_object_object_add(object, name, value);
        if (*packer->at == ',')
            packer->at++;
    }
    packer->at++;
    return object;
}

static struct json_object *pack_array(struct packer *packer)
{
    struct json_object *array = must_have(json_object_new_array());

    while (*packer->at != ']') {
        bool is_absent = false;
        struct json_object *value = pack_value(packer, &is_absent);

        if (!is_absent)
            json_object_array_add(array, value);
        if (*packer->at == ',')
            packer->at++;
    }
    packer->at++;
    return array;
}

static struct json_object *pack_value(struct packer *packer, bool *out_is_absent)
{
    struct json_object *value = NULL;
    const char *text;
    char kind = *packer->at++;

    switch (kind) {
    case '{':
        return pack_object(packer);
    case '[':
        return pack_array(packer);
    case 's':
        text = va_arg(packer->arguments, const char *);
        value = text == NULL ? NULL : must_have(json_object_new_string(text));
        break;
    case 'i':
        return must_have(json_object_new_int64(va_arg(packer->arguments, int64_t)));
    case 'd':
        return must_have(json_object_new_double(va_arg(packer->arguments, double)));
    case 'b':
        return must_have(json_object_new_boolean(va_arg(packer->arguments, int)));
    case 'o':
        value = va_arg(packer->arguments, struct json_object *);
        break;
    default:
        assert(kind == 'n');
        return NULL;
    }
    if (*packer->at == '?') {
        packer->at++;
        *out_is_absent = value == NULL;
    }
    return value;
}

struct json_object *json_pack(const char *picture, ...)
{
    struct packer packer = {.at = picture};
    struct json_object *value;
    bool is_absent = false;

    va_start(packer.arguments, picture);
    value = pack_value(&packer, &is_absent);
    va_end(packer.arguments);
    return value;
}

char *json_pack_text(struct json_object *value)
{
    char *text = must_copy(json_object_to_json_string_ext(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

    json_object_put(value);
    return text;
}
