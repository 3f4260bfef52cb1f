/* Valid values made from a JSON Schema. */
#include "check/sample.h"

#include "base/json.h"
#include "base/json_schema.h"
#include "base/json_schema_private.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 12
#define TRY_COUNT 24
#define EXTREME_TEXT_BYTES 3000
#define EXTREME_ITEMS 60

struct sampler {
    struct check *check;
    const struct json_schema *schema;
    enum sample_kind kind;
    sample_text_fn *text;
    void *arg;
    unsigned try; /* of the whole value: later tries take other alternatives */
};

static struct json_object *sample(const struct sampler *sampler, struct json_object *node,
                                  int depth);

static bool is_random(const struct sampler *sampler)
{
    return sampler->kind == SAMPLE_RANDOM || sampler->try > 0;
}

static int64_t bound(struct json_object *node, const char *name, int64_t fallback)
{
    struct json_object *value;

    return json_object_object_get_ex(node, name, &value) && schema_type_is(value, "number")
               ? json_object_get_int64(value)
               : fallback;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Texts that patterns of plugins mostly ask for, the plain ones first. */
static const char *const plain_texts[] = {
    "text",
    "a",
    "A",
    "1",
    "12",
    "name",
    "a-b",
    "/path",
    "/",
    "https://example.com/a",
    "http://127.0.0.1/",
    "a@example.com",
    "2026-01-31",
    "12:30",
    "2026-01-31T12:30:00Z",
    "Europe/Berlin",
    "127.0.0.1",
    "example.com",
    "12345678-1234-4234-8234-123456789abc",
    "AB",
    "ABC",
    "12345",
    "123456",
    "abcdef0123456789",
    "+491234567",
    "1.0",
    "1.2.3",
    "en",
    "en-GB",
    "EUR",
    "#aabbcc",
    "a=b",
    "",
};

static const char *const odd_texts[] = {
    "\xf0\x9f\x98\x80 \xe4\xb8\xad\xe6\x96\x87 \xd8\xb9", /* outside the first plane, right to left
                                                           */
    "\"quoted\" \\ back\\slash",
    "line\nbreak\ttab\r\n",
    "%s%n%x%d",
    "../../../../etc/passwd",
    "'; DROP TABLE a; --",
    "$(id) `id` ;id|id",
    "<script>alert(1)</script>",
    "\xe2\x80\xaeturned",
    "a\x01\x1f\x7f",
    "https://user:pass@example.com:99999/?a=b#c",
    " ",
};

static bool fits(const struct json_schema *schema, struct json_object *node, const char *text,
                 size_t len)
{
    const char *pattern = json_get_string(node, "pattern", NULL);

    return (int64_t)len >= bound(node, "minLength", 0) &&
           (int64_t)len <= bound(node, "maxLength", INT64_MAX) &&
           (pattern == NULL || schema_pattern_matches(schema, pattern, text, len));
}

static struct json_object *long_text(int64_t bytes)
{
    char *text = malloc((size_t)bytes + 1);
    struct json_object *value = NULL;

    if (text != NULL) {
        memset(text, 'x', (size_t)bytes);
        value = json_object_new_string_len(text, (int)bytes);
    }
    free(text);
    return value;
}

/* Letters of the length that is asked for, when no known text has it. */
static struct json_object *sized_text(const struct sampler *sampler, struct json_object *node)
{
    int64_t least = bound(node, "minLength", 0), most = bound(node, "maxLength", -1);
    int64_t bytes = most < 0 || most > EXTREME_TEXT_BYTES ? EXTREME_TEXT_BYTES : most;

    if (sampler->kind != SAMPLE_EXTREME || bytes < least)
        bytes = least < 65536 ? least : 65536;
    return long_text(bytes);
}

static struct json_object *sample_text(const struct sampler *sampler, struct json_object *node)
{
    size_t odd = sizeof odd_texts / sizeof odd_texts[0];
    size_t plain = sizeof plain_texts / sizeof plain_texts[0];
    size_t start = is_random(sampler) ? (size_t)check_random(sampler->check, odd + plain) : odd;
    struct json_object *value;

    if (sampler->text != NULL && (value = sampler->text(sampler->arg, node)) != NULL)
        return value;
    if (sampler->kind == SAMPLE_EXTREME) {
        value = sized_text(sampler, node);
        if (fits(sampler->schema, node, json_object_get_string(value),
                 (size_t)json_object_get_string_len(value)))
            return value;
        json_object_put(value);
    }
    for (size_t i = 0; i < odd + plain; i++) {
        size_t at = (start + i) % (odd + plain);
        const char *text = at < odd ? odd_texts[at] : plain_texts[at - odd];

        if (fits(sampler->schema, node, text, strlen(text)))
            return json_object_new_string(text);
    }
    return sized_text(sampler, node);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static struct json_object *sample_integer(const struct sampler *sampler, struct json_object *node)
{
    int64_t low = bound(node, "minimum", INT64_MIN + 1);
    int64_t high = bound(node, "maximum", INT64_MAX);
    int64_t step = bound(node, "multipleOf", 1);

    if (json_object_object_get_ex(node, "exclusiveMinimum", NULL))
        low = bound(node, "exclusiveMinimum", 0) + 1;
    if (json_object_object_get_ex(node, "exclusiveMaximum", NULL))
        high = bound(node, "exclusiveMaximum", 0) - 1;
    if (step > 1) {
        int64_t count = low <= 0 && high >= 0 ? 0 : low / step + (low % step != 0 && low > 0);

        return json_object_new_int64(count * step);
    }
    if (is_random(sampler) && low <= high) {
        int64_t wide = low / 2 + 1 > high / 2 ? high - low : 1000;

        wide = wide < 0 || wide > 1000000 ? 1000000 : wide;
        if (check_random(sampler->check, 4) == 0)
            return json_object_new_int64(check_random(sampler->check, 2) == 0 ? low : high);
        return json_object_new_int64((low > 0    ? low
                                      : high < 0 ? high - wide
                                                 : 0) +
                                     (int64_t)check_random(sampler->check, (uint64_t)wide + 1));
    }
    if (sampler->kind == SAMPLE_EXTREME)
        return json_object_new_int64(high);
    return json_object_new_int64(low <= 1 && high >= 1 ? 1 : low > 1 ? low : high);
}

static struct json_object *sample_number(const struct sampler *sampler, struct json_object *node)
{
    struct json_object *low, *high;
    bool has_low = json_object_object_get_ex(node, "minimum", &low);
    bool has_high = json_object_object_get_ex(node, "maximum", &high);

    if (sampler->kind == SAMPLE_EXTREME)
        return json_object_new_double(has_high ? json_object_get_double(high) : 1.7e308);
    if (is_random(sampler) && !has_low && !has_high && check_random(sampler->check, 2) == 0)
        return json_object_new_double(-0.000001 * (double)check_random(sampler->check, 1000000));
    if (has_low && has_high)
        return json_object_new_double((json_object_get_double(low) + json_object_get_double(high)) /
                                      2);
    return json_object_new_double(has_low    ? json_object_get_double(low) + 0.5
                                  : has_high ? json_object_get_double(high) - 0.5
                                             : 1.5);
}

/* ---- arrays and objects ---------------------------------------------------------------------- */

static struct json_object *sample_array(const struct sampler *sampler, struct json_object *node,
                                        int depth)
{
    int64_t least = bound(node, "minItems", 0), most = bound(node, "maxItems", EXTREME_ITEMS);
    struct json_object *items = json_get_object(node, "items"), *array = json_object_new_array();
    int64_t count = sampler->kind == SAMPLE_EXTREME                ? most
                    : sampler->kind == SAMPLE_MOST && most > least ? least + 1
                                                                   : least;

    if (is_random(sampler) && most > least)
        count = least + (int64_t)check_random(sampler->check,
                                              (uint64_t)(most - least > 4 ? 4 : most - least) + 1);
    for (int64_t i = 0; i < count && i < EXTREME_ITEMS; i++)
        (void)json_append(array, items == NULL ? json_object_new_string("item")
                                               : sample(sampler, items, depth + 1));
    return array;
}

static bool is_required(struct json_object *node, const char *name)
{
    struct json_object *required = json_get_array(node, "required");

    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(required, i)), name) == 0)
            return true;
    return false;
}

static bool is_taken(const struct sampler *sampler, struct json_object *node, const char *name,
                     int depth)
{
    if (is_required(node, name))
        return true;
    if (depth >= DEPTH_MAX / 2)
        return false;
    if (is_random(sampler))
        return check_random(sampler->check, 2) == 0;
    return sampler->kind == SAMPLE_MOST || sampler->kind == SAMPLE_EXTREME;
}

static struct json_object *sample_object(const struct sampler *sampler, struct json_object *node,
                                         int depth)
{
    struct json_object *properties = json_get_object(node, "properties");
    struct json_object *required = json_get_array(node, "required");
    struct json_object *object = json_object_new_object();

    if (properties != NULL) {
        json_object_object_foreach(properties, name, property)
        {
            if (is_taken(sampler, node, name, depth))
                (void)json_set(object, name, sample(sampler, property, depth + 1));
        }
    }
    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(required, i));

        if (!json_object_object_get_ex(object, name, NULL))
            (void)json_set(object, name, json_object_new_string("text"));
    }
    return object;
}

/* ---- any ------------------------------------------------------------------------------------- */

/* The type to make: the only one, or one of the list. */
static const char *pick_type(const struct sampler *sampler, struct json_object *node)
{
    struct json_object *type;

    if (json_object_object_get_ex(node, "type", &type)) {
        if (json_object_is_type(type, json_type_string))
            return json_object_get_string(type);
        if (json_object_is_type(type, json_type_array) && json_object_array_length(type) > 0)
            return json_object_get_string(json_object_array_get_idx(
                type, is_random(sampler)
                          ? (size_t)check_random(sampler->check, json_object_array_length(type))
                          : 0));
    }
    if (json_get_object(node, "properties") != NULL || json_get_array(node, "required") != NULL)
        return "object";
    return json_get_object(node, "items") != NULL ? "array" : "string";
}

static struct json_object *sample_by_type(const struct sampler *sampler, struct json_object *node,
                                          int depth)
{
    const char *type = pick_type(sampler, node);

    if (strcmp(type, "object") == 0)
        return sample_object(sampler, node, depth);
    if (strcmp(type, "array") == 0)
        return sample_array(sampler, node, depth);
    if (strcmp(type, "integer") == 0)
        return sample_integer(sampler, node);
    if (strcmp(type, "number") == 0)
        return sample_number(sampler, node);
    if (strcmp(type, "boolean") == 0)
        return json_object_new_boolean(is_random(sampler) ? check_random(sampler->check, 2) == 0
                                                          : sampler->kind != SAMPLE_EXTREME);
    return strcmp(type, "null") == 0 ? json_object_new_null() : sample_text(sampler, node);
}

/* Lays what an alternative ("oneOf": [{"required": [...]}]) asks for over what is there. */
static void add_alternative(const struct sampler *sampler, struct json_object *node,
                            struct json_object *part, struct json_object *value, int depth)
{
    struct json_object *required = json_get_array(part, "required");
    struct json_object *properties = json_get_object(node, "properties");
    struct json_object *own = json_get_object(part, "properties");

    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(required, i));
        struct json_object *property = own == NULL ? NULL : json_get_object(own, name);

        if (property == NULL && properties != NULL)
            property = json_get_object(properties, name);
        if (!json_object_object_get_ex(value, name, NULL))
            (void)json_set(value, name,
                           property == NULL ? json_object_new_string("text")
                                            : sample(sampler, property, depth + 1));
    }
}

static struct json_object *sample_choice(const struct sampler *sampler, struct json_object *node,
                                         struct json_object *choices, int depth)
{
    size_t at = sampler->try % json_object_array_length(choices);
    struct json_object *choice = json_object_array_get_idx(choices, at), *value;

    if (!json_object_object_get_ex(node, "type", NULL) &&
        json_get_object(node, "properties") == NULL)
        return sample(sampler, choice, depth + 1);
    value = sample_by_type(sampler, node, depth);
    if (json_object_is_type(value, json_type_object) &&
        json_object_is_type(choice, json_type_object))
        add_alternative(sampler, node, choice, value, depth);
    return value;
}

static struct json_object *copy_of(struct json_object *value)
{
    struct json_object *copy = NULL;

    return json_object_deep_copy(value, &copy, NULL) == 0 ? copy : NULL;
}

static struct json_object *sample(const struct sampler *sampler, struct json_object *node,
                                  int depth)
{
    static const char *const choices[] = {"oneOf", "anyOf", "allOf"};
    struct json_object *value;

    node =
        json_object_is_type(node, json_type_object) ? schema_follow(sampler->schema, node) : NULL;
    if (node == NULL || depth > DEPTH_MAX)
        return json_object_new_string("text");
    if (json_object_object_get_ex(node, "const", &value))
        return copy_of(value);
    if (json_object_object_get_ex(node, "enum", &value) &&
        json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0)
        return copy_of(json_object_array_get_idx(
            value, is_random(sampler)
                       ? (size_t)check_random(sampler->check, json_object_array_length(value))
                       : 0));
    if (json_object_object_get_ex(node, "default", &value) && sampler->kind == SAMPLE_MOST &&
        sampler->try == 0)
        return copy_of(value);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if ((value = json_get_array(node, choices[i])) != NULL &&
            json_object_array_length(value) > 0)
            return sample_choice(sampler, node, value, depth);
    return sample_by_type(sampler, node, depth);
}

struct json_object *sample_valid(struct check *check, struct json_object *root,
                                 const struct json_schema *schema, enum sample_kind kind,
                                 sample_text_fn *text, void *arg)
{
    struct sampler sampler = {check, schema, kind, text, arg, 0};

    for (; sampler.try < TRY_COUNT; sampler.try++) {
        struct json_object *value = sample(&sampler, root, 0);
        struct error ignored = {0};

        if (value != NULL && json_schema_check(schema, value, &ignored))
            return value;
        json_object_put(value);
    }
    return NULL;
}
