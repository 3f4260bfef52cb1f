/* JSON Schema 2020-12: checking a value against a compiled schema. */
#include "base/json_schema_private.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 100000
#define DEPTH_MAX 128
#define QUOTE_MAX_BYTES 40
#define FAULTS_MAX_BYTES 440

struct check {
    const struct json_schema *schema;
    struct buffer path;
    struct buffer faults;
    bool is_full; /* no more faults fit */
    int quiet;    /* > 0 while alternatives are tried: faults are not written down */
    long steps;
    int depth;
    bool is_over_limit;
};

/* Notes a fault at the present path; always false. */
static bool fault(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fault(struct check *check, const char *format, ...)
{
    struct error ignored = {0};
    char text[300];
    va_list args;

    if (check->quiet > 0 || check->is_full)
        return false;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cutting is fine */
    va_end(args);
    if (!buffer_printf(&check->faults, &ignored, "%s$%s: %s", check->faults.len == 0 ? "" : "; ",
                       check->path.data == NULL ? "" : check->path.data, text))
        check->is_full = true;
    return false;
}

/* A value for a message: short, and never where the schema says that it names a secret. */
static const char *quote(struct json_object *node, struct json_object *value, char out[64])
{
    struct json_object *mark;
    const char *text;
    size_t len, cut;

    if (json_object_object_get_ex(node, "x-secret", &mark))
        return "a value";
    if (json_object_is_type(value, json_type_object))
        return "an object";
    if (json_object_is_type(value, json_type_array))
        return "an array";
    text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text == NULL)
        return "a value";
    len = strlen(text);
    cut = utf8_prefix(text, len, QUOTE_MAX_BYTES);
    (void)snprintf(out, 64, "%.*s%s", (int)cut, text, cut < len ? "..." : "");
    return out;
}

static bool check_value(struct check *check, struct json_object *node, struct json_object *value);

/* Checks below a member or an element, with the path put back after it. */
static bool check_at(struct check *check, struct json_object *node, struct json_object *value,
                     const char *name, size_t index)
{
    size_t len = check->path.len;
    struct error ignored = {0};
    bool ok;

    if (name != NULL)
        (void)buffer_printf(&check->path, &ignored, ".%s", name);
    else
        (void)buffer_printf(&check->path, &ignored, "[%zu]", index);
    ok = check_value(check, node, value);
    buffer_truncate(&check->path, len);
    return ok;
}

/* ---- any type -------------------------------------------------------------------------------- */

static bool check_type(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *type;
    char found[64];
    const char *names;

    if (!json_object_object_get_ex(node, "type", &type))
        return true;
    if (json_object_is_type(type, json_type_string)) {
        if (schema_type_is(value, json_object_get_string(type)))
            return true;
    } else {
        for (size_t i = 0; i < json_object_array_length(type); i++)
            if (schema_type_is(value, json_object_get_string(json_object_array_get_idx(type, i))))
                return true;
    }
    names = json_object_is_type(type, json_type_string)
                ? json_object_get_string(type)
                : json_object_to_json_string_ext(type, JSON_C_TO_STRING_PLAIN);
    return fault(check, "expected %s, found %s", names, quote(node, value, found));
}

static bool check_enum(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *wanted;
    char found[64];
    bool ok = true;

    if (json_object_object_get_ex(node, "enum", &wanted)) {
        bool is_in = false;

        for (size_t i = 0; !is_in && i < json_object_array_length(wanted); i++)
            is_in = schema_equal(json_object_array_get_idx(wanted, i), value);
        check->steps += (long)json_object_array_length(wanted);
        if (!is_in)
            ok = fault(check, "expected one of %.200s, found %s",
                       json_object_to_json_string_ext(wanted, JSON_C_TO_STRING_NOSLASHESCAPE),
                       quote(node, value, found));
    }
    if (json_object_object_get_ex(node, "const", &wanted) && !schema_equal(wanted, value))
        ok = fault(check, "expected %.100s, found %s",
                   json_object_to_json_string_ext(wanted, JSON_C_TO_STRING_NOSLASHESCAPE),
                   quote(node, value, found));
    return ok;
}

static bool passes(struct check *check, struct json_object *node, struct json_object *value)
{
    bool ok;

    check->quiet++;
    ok = check_value(check, node, value);
    check->quiet--;
    return ok;
}

static size_t count_passing(struct check *check, struct json_object *list,
                            struct json_object *value)
{
    size_t count = 0;

    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (passes(check, json_object_array_get_idx(list, i), value))
            count++;
    return count;
}

static bool check_combined(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *part;
    bool ok = true;

    if (json_object_object_get_ex(node, "allOf", &part))
        for (size_t i = 0; i < json_object_array_length(part); i++)
            ok = check_value(check, json_object_array_get_idx(part, i), value) && ok;
    if (json_object_object_get_ex(node, "anyOf", &part) && count_passing(check, part, value) == 0)
        ok = fault(check, "fits none of the %zu forms of anyOf", json_object_array_length(part));
    if (json_object_object_get_ex(node, "oneOf", &part)) {
        size_t count = count_passing(check, part, value);

        if (count != 1)
            ok = fault(check, "fits %zu of the %zu forms of oneOf, expected exactly one", count,
                       json_object_array_length(part));
    }
    if (json_object_object_get_ex(node, "not", &part) && passes(check, part, value))
        ok = fault(check, "is what \"not\" excludes");
    if (json_object_object_get_ex(node, "if", &part)) {
        const char *branch = passes(check, part, value) ? "then" : "else";

        if (json_object_object_get_ex(node, branch, &part))
            ok = check_value(check, part, value) && ok;
    }
    return ok;
}

/* ---- numbers and texts ----------------------------------------------------------------------- */

static bool is_multiple(struct json_object *value, struct json_object *step)
{
    double ratio;

    if (json_object_is_type(value, json_type_int) && json_object_is_type(step, json_type_int))
        return json_object_get_int64(value) % json_object_get_int64(step) == 0;
    ratio = json_object_get_double(value) / json_object_get_double(step);
    return fabs(ratio - nearbyint(ratio)) <= 1e-9 * fmax(1.0, fabs(ratio));
}

/* Compares exactly where both are integers. */
static int compare_numbers(struct json_object *a, struct json_object *b)
{
    if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int)) {
        int64_t left = json_object_get_int64(a), right = json_object_get_int64(b);

        return (left > right) - (left < right);
    }
    return (json_object_get_double(a) > json_object_get_double(b)) -
           (json_object_get_double(a) < json_object_get_double(b));
}

static bool check_number(struct check *check, struct json_object *node, struct json_object *value)
{
    static const struct {
        const char *name, *expected;
        int sign, allows_equal;
    } bounds[] = {{"minimum", "at least", 1, 1},
                  {"maximum", "at most", -1, 1},
                  {"exclusiveMinimum", "more than", 1, 0},
                  {"exclusiveMaximum", "less than", -1, 0}};
    struct json_object *bound;
    char found[64];
    bool ok = true;

    for (size_t i = 0; i < 4; i++) {
        int order;

        if (!json_object_object_get_ex(node, bounds[i].name, &bound))
            continue;
        order = compare_numbers(value, bound) * bounds[i].sign;
        if (order < 0 || (order == 0 && !bounds[i].allows_equal))
            ok = fault(check, "expected %s %s, found %s", bounds[i].expected,
                       json_object_to_json_string(bound), quote(node, value, found));
    }
    if (json_object_object_get_ex(node, "multipleOf", &bound) && !is_multiple(value, bound))
        ok = fault(check, "expected a multiple of %s, found %s", json_object_to_json_string(bound),
                   quote(node, value, found));
    return ok;
}

/* Characters, not bytes. */
static int64_t text_length(const char *text, size_t len)
{
    int64_t count = 0;

    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            count++;
    return count;
}

static bool check_count(struct check *check, struct json_object *node, const char *minimum,
                        const char *maximum, int64_t count, const char *unit)
{
    struct json_object *bound;
    bool ok = true;

    if (json_object_object_get_ex(node, minimum, &bound) && count < json_object_get_int64(bound))
        ok = fault(check, "expected at least %s %s, found %lld", json_object_to_json_string(bound),
                   unit, (long long)count);
    if (json_object_object_get_ex(node, maximum, &bound) && count > json_object_get_int64(bound))
        ok = fault(check, "expected at most %s %s, found %lld", json_object_to_json_string(bound),
                   unit, (long long)count);
    return ok;
}

static bool check_text(struct check *check, struct json_object *node, struct json_object *value)
{
    size_t len = (size_t)json_object_get_string_len(value);
    const char *text = json_object_get_string(value);
    const char *pattern = json_get_string(node, "pattern", NULL);
    char found[64];
    bool ok =
        check_count(check, node, "minLength", "maxLength", text_length(text, len), "characters");

    check->steps += (long)(len / 64);
    if (pattern != NULL && !schema_pattern_matches(check->schema, pattern, text, len))
        ok = fault(check, "expected the pattern %.100s, found %s", pattern,
                   quote(node, value, found));
    return ok;
}

/* ---- arrays and objects ---------------------------------------------------------------------- */

static bool check_unique(struct check *check, struct json_object *value)
{
    size_t count = json_object_array_length(value);

    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            if (++check->steps > STEPS_MAX)
                return true; /* reported as the limit */
            if (schema_equal(json_object_array_get_idx(value, i),
                             json_object_array_get_idx(value, j)))
                return fault(check, "elements %zu and %zu are equal, expected unique ones", i, j);
        }
    return true;
}

static bool check_array(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *prefix = NULL, *items;
    size_t count = json_object_array_length(value), prefix_count = 0;
    bool is_unique = false;
    bool ok = check_count(check, node, "minItems", "maxItems", (int64_t)count, "elements");

    if (json_object_object_get_ex(node, "prefixItems", &prefix))
        prefix_count = json_object_array_length(prefix);
    for (size_t i = 0; i < count && i < prefix_count; i++)
        ok = check_at(check, json_object_array_get_idx(prefix, i),
                      json_object_array_get_idx(value, i), NULL, i) &&
             ok;
    if (json_object_object_get_ex(node, "items", &items))
        for (size_t i = prefix_count; i < count; i++)
            ok = check_at(check, items, json_object_array_get_idx(value, i), NULL, i) && ok;
    if (json_get_bool(node, "uniqueItems", &is_unique) && is_unique)
        ok = check_unique(check, value) && ok;
    return ok;
}

static const char *nearest_property(struct json_object *properties, const char *name)
{
    const char *names[64];
    size_t count = 0;

    if (properties == NULL)
        return NULL;
    json_object_object_foreach(properties, known, ignored)
    {
        (void)ignored;
        if (count < 64)
            names[count++] = known;
    }
    return text_nearest(name, names, count);
}

static bool check_extra(struct check *check, struct json_object *node,
                        struct json_object *properties, const char *name,
                        struct json_object *member)
{
    struct json_object *extra;
    const char *near;

    if (!json_object_object_get_ex(node, "additionalProperties", &extra))
        return true;
    if (!json_object_is_type(extra, json_type_boolean))
        return check_at(check, extra, member, name, 0);
    if (json_object_get_boolean(extra))
        return true;
    near = nearest_property(properties, name);
    return near == NULL
               ? fault(check, "has no member \"%.60s\"", name)
               : fault(check, "has no member \"%.60s\": did you mean \"%.60s\"?", name, near);
}

static bool check_members(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *properties = json_get_object(node, "properties");
    struct json_object *patterns = json_get_object(node, "patternProperties");
    bool ok = true;

    json_object_object_foreach(value, name, member)
    {
        struct json_object *property;
        bool is_known = false;

        if (properties != NULL && json_object_object_get_ex(properties, name, &property)) {
            is_known = true;
            ok = check_at(check, property, member, name, 0) && ok;
        }
        if (patterns != NULL) {
            json_object_object_foreach(patterns, pattern, node_of_pattern)
            {
                if (!schema_pattern_matches(check->schema, pattern, name, strlen(name)))
                    continue;
                is_known = true;
                ok = check_at(check, node_of_pattern, member, name, 0) && ok;
            }
        }
        if (!is_known)
            ok = check_extra(check, node, properties, name, member) && ok;
    }
    return ok;
}

static bool check_object(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *required = json_get_array(node, "required");
    bool ok = check_count(check, node, "minProperties", "maxProperties",
                          json_object_object_length(value), "members");

    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(required, i));

        if (!json_object_object_get_ex(value, name, NULL))
            ok = fault(check, "the member \"%.60s\" is missing", name);
    }
    return check_members(check, node, value) && ok;
}

/* ---- a value --------------------------------------------------------------------------------- */

static bool check_by_type(struct check *check, struct json_object *node, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_int:
    case json_type_double:
        return check_number(check, node, value);
    case json_type_string:
        return check_text(check, node, value);
    case json_type_array:
        return check_array(check, node, value);
    case json_type_object:
        return check_object(check, node, value);
    default:
        return true;
    }
}

static bool check_value(struct check *check, struct json_object *node, struct json_object *value)
{
    struct json_object *ref;
    bool ok;

    if (++check->steps > STEPS_MAX || check->depth >= DEPTH_MAX) {
        check->is_over_limit = true;
        return false;
    }
    /* Found when the schema was compiled; now there was no memory to find it again. */
    if (node == NULL)
        return fault(check, "cannot be checked: no memory");
    if (json_object_is_type(node, json_type_boolean))
        return json_object_get_boolean(node) || fault(check, "is not allowed here");
    check->depth++;
    ok = check_type(check, node, value);
    /* A wrong type makes all that follows noise. */
    if (ok) {
        ok = check_enum(check, node, value);
        ok = check_by_type(check, node, value) && ok;
        ok = check_combined(check, node, value) && ok;
        if (json_object_object_get_ex(node, "$ref", &ref))
            ok = check_value(check, schema_resolve(check->schema, json_object_get_string(ref)),
                             value) &&
                 ok;
    }
    check->depth--;
    return ok;
}

bool json_schema_check(const struct json_schema *schema, struct json_object *value,
                       struct error *err)
{
    struct check check = {.schema = schema};
    bool ok;

    buffer_init(&check.path, 1024);
    buffer_init(&check.faults, FAULTS_MAX_BYTES);
    ok = check_value(&check, schema->root, value);
    if (check.is_over_limit || check.steps > STEPS_MAX)
        ok = error_set(err, ERROR_LIMIT, "the value takes too long to check against its schema");
    else if (!ok)
        error_set(err, ERROR_BAD_INPUT, "%s%s",
                  check.faults.len == 0 ? "does not fit the schema" : check.faults.data,
                  check.is_full ? "; and more" : "");
    buffer_clear(&check.path);
    buffer_clear(&check.faults);
    return ok;
}
