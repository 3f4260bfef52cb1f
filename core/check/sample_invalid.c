/* Wrong values made from a JSON Schema, each breaking one rule of one member. */
#include "check/sample.h"

#include "base/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define FAULTS_PER_MEMBER 6

static struct json_object *copy_of(struct json_object *value)
{
    struct json_object *copy = NULL;

    return json_object_deep_copy(value, &copy, NULL) == 0 ? copy : NULL;
}

static bool has(struct json_object *node, const char *name)
{
    return json_object_object_get_ex(node, name, NULL);
}

static bool is_required(struct json_object *root, const char *name)
{
    struct json_object *required = json_get_array(root, "required");

    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(required, i)), name) == 0)
            return true;
    return false;
}

static struct json_object *of_another_type(struct json_object *property)
{
    const char *type = json_get_string(property, "type", NULL);

    if (type == NULL)
        return NULL;
    return strcmp(type, "object") == 0 ? json_object_new_array() : json_object_new_object();
}

static struct json_object *outside_bounds(struct json_object *property, bool is_above)
{
    struct json_object *bound;

    if (json_object_object_get_ex(property, is_above ? "maximum" : "minimum", &bound) &&
        json_object_is_type(bound, json_type_int)) {
        int64_t value = json_object_get_int64(bound);

        if (value != (is_above ? INT64_MAX : INT64_MIN))
            return json_object_new_int64(is_above ? value + 1 : value - 1);
    }
    return NULL;
}

static struct json_object *of_another_length(struct json_object *property)
{
    char text[5000];
    int64_t least, most;

    if (json_get_int64(property, "minLength", &least) && least > 0)
        return json_object_new_string("");
    if (!json_get_int64(property, "maxLength", &most) || most >= (int64_t)sizeof text - 1)
        return NULL;
    memset(text, 'x', (size_t)most + 1);
    return json_object_new_string_len(text, (int)most + 1);
}

/* The member's wrong value, NULL when it has no such rule. */
static struct json_object *break_rule(struct json_object *property, size_t rule, const char **what)
{
    switch (rule) {
    case 1:
        *what = "of another type";
        return of_another_type(property);
    case 2:
        *what = "not in its list";
        return has(property, "enum") || has(property, "const")
                   ? json_object_new_string("no such value")
                   : NULL;
    case 3:
        *what = "below its least";
        return outside_bounds(property, false);
    case 4:
        *what = "above its most";
        return outside_bounds(property, true);
    case 5:
        *what = "too short or too long";
        return of_another_length(property);
    default:
        return NULL;
    }
}

static struct sample_fault make(struct json_object *root, struct json_object *valid,
                                const char *name, struct json_object *property, size_t rule)
{
    struct sample_fault fault = {NULL, "", "missing"};
    struct json_object *wrong;

    (void)snprintf(fault.member, sizeof fault.member, "%s", name); /* cutting is fine */
    if (rule == 0) {
        if (!is_required(root, name))
            return fault;
        fault.value = copy_of(valid);
        json_object_object_del(fault.value, name);
        return fault;
    }
    wrong = break_rule(property, rule, &fault.what);
    if (wrong == NULL)
        return fault;
    fault.value = copy_of(valid);
    (void)json_set(fault.value, name, wrong);
    return fault;
}

struct sample_fault sample_invalid(struct json_object *root, struct json_object *valid,
                                   size_t index)
{
    struct json_object *properties = json_get_object(root, "properties");

    if (properties == NULL)
        return (struct sample_fault){NULL, "", ""};
    json_object_object_foreach(properties, name, property)
    {
        for (size_t rule = 0; rule < FAULTS_PER_MEMBER; rule++) {
            struct sample_fault fault = {NULL, "", ""};

            /* A member with a default cannot be missing. */
            if (json_object_is_type(property, json_type_object) &&
                !(rule == 0 && has(property, "default")))
                fault = make(root, valid, name, property, rule);
            if (fault.value != NULL && index-- == 0)
                return fault;
            json_object_put(fault.value);
        }
    }
    return (struct sample_fault){NULL, "", ""};
}
