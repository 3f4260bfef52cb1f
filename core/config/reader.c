/* Typed reading of configuration objects. */
#include "config/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/source.h"

#define TEXT_MAX_BYTES ((size_t)256 << 10)

struct place place_root(struct reader *reader, struct json_object *object)
{
    return (struct place){.reader = reader, .object = object, .path = "$"};
}

static void member_path(const struct place *place, const char *key, char *out, size_t out_size)
{
    if (key[0] == '\0' || key[0] == '[')
        problem_text(out, out_size, "%s%s", place->path, key);
    else
        problem_text(out, out_size, "%s.%s", place->path, key);
}

const char *config_variable_at(const struct config_variable *variables, const char *path)
{
    const char *found = "";

    for (const struct config_variable *at = variables; at != NULL; at = at->next)
        if (strcmp(at->path, path) == 0)
            found = at->name;
    return found;
}

struct problem *place_problem(const struct place *place, bool is_warning, const char *key)
{
    struct problem *problem;
    char path[160];

    member_path(place, key, path, sizeof path);
    problem = problems_add(place->reader->problems, is_warning, place->reader->file, path);
    PROBLEM_SET(problem, variable, "%s", config_variable_at(place->reader->variables, path));
    return problem;
}

/* Whoever reads a message about the member shall not have to look into the file. */
static void note_variable(const struct place *place, const char *key, const char *name)
{
    struct reader *reader = place->reader;
    struct config_variable *fresh = config_pool_alloc(reader->pool, sizeof *fresh);
    char path[160];

    member_path(place, key, path, sizeof path);
    if (fresh != NULL) {
        fresh->path = config_pool_copy(reader->pool, path, strlen(path));
        fresh->name = config_pool_copy(reader->pool, name, strlen(name));
    }
    if (fresh == NULL || fresh->path == NULL || fresh->name == NULL) {
        reader->out_of_memory = true;
        return;
    }
    fresh->next = reader->variables;
    reader->variables = fresh;
}

static const char *type_words(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return "null";
    case json_type_boolean:
        return json_object_get_boolean(value) ? "true" : "false";
    case json_type_double:
    case json_type_int:
        return "a number";
    case json_type_object:
        return "an object";
    case json_type_array:
        return "an array";
    case json_type_string:
        return "text";
    }
    return "something else";
}

void place_wrong_type(const struct place *place, const char *key, struct json_object *value,
                      const char *expected)
{
    struct problem *problem = place_problem(place, false, key);

    PROBLEM_SET(problem, what, "wrong type");
    PROBLEM_SET(problem, found, "%s", type_words(value));
    PROBLEM_SET(problem, expected, "%s", expected);
}

const char *reader_show(const char *value, char *out, size_t out_size)
{
    if (config_looks_like_secret(value) || config_looks_random(value))
        problem_text(out, out_size, "something that looks like a secret (not shown)");
    else
        problem_text(out, out_size, "\"%.60s\"", value);
    return out;
}

static bool is_known(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(key, names[i]) == 0)
            return true;
    }
    return false;
}

void place_check_keys(const struct place *place, const char *const *names, size_t count)
{
    if (place->object == NULL)
        return;
    json_object_object_foreach(place->object, key, value)
    {
        const char *nearest;
        struct problem *problem;

        (void)value;
        if (is_known(key, names, count))
            continue;
        nearest = text_nearest(key, names, count);
        problem = place_problem(place, place->reader->unknown_is_warning, key);
        PROBLEM_SET(problem, what, "unknown key");
        if (nearest != NULL)
            PROBLEM_SET(problem, fix, "Did you mean \"%s\"?", nearest);
        else
            PROBLEM_SET(problem, fix, "Remove it.");
    }
}

static struct json_object *member(const struct place *place, const char *key, bool *out_is_there)
{
    struct json_object *value = NULL;

    *out_is_there =
        place->object != NULL && json_object_object_get_ex(place->object, key, &value) != 0;
    return value;
}

bool place_has(const struct place *place, const char *key)
{
    bool is_there;

    member(place, key, &is_there);
    return is_there;
}

bool place_object(const struct place *place, const char *key, struct place *out_place)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);

    *out_place = (struct place){.reader = place->reader};
    member_path(place, key, out_place->path, sizeof out_place->path);
    if (!is_there)
        return true;
    if (!json_object_is_type(value, json_type_object)) {
        place_wrong_type(place, key, value, "an object");
        return false;
    }
    out_place->object = value;
    return true;
}

char *place_copy(const struct place *place, const char *text, size_t len)
{
    static char nothing[1];
    char *copy = config_pool_copy(place->reader->pool, text, len);

    if (copy != NULL)
        return copy;
    place->reader->out_of_memory = true;
    return nothing;
}

/* One report for each variable is enough, however often it is used. */
static bool is_said(const struct problems *problems, const char *what)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strcmp(problems->items[i].what, what) == 0)
            return true;
    }
    return false;
}

/* Appends the value of the variable named in `name`. */
static bool expand_one(const struct place *place, const char *key, struct slice name,
                       struct buffer *out, struct error *err)
{
    CLEANUP(cleanup_free) char *text = slice_dup(name);
    const struct config_source *source = place->reader->source;
    const char *value;
    struct problem *problem;
    char what[200];

    if (text == NULL && memchr(name.data, '\0', name.len) == NULL) {
        place->reader->out_of_memory = true;
        return false;
    }
    if (text == NULL || !config_is_variable_name(text)) {
        problem = place_problem(place, false, key);
        PROBLEM_SET(problem, what, "malformed ${NAME}");
        PROBLEM_SET(problem, expected, "the name of an environment variable between the braces");
        return false;
    }
    note_variable(place, key, text);
    value = source->get_env(source->arg, text);
    if (value != NULL && slice_trim(slice_of(value)).len > 0)
        return buffer_add_text(out, value, err);
    problem_text(what, sizeof what, "Environment variable %s is %s", text,
                 value == NULL ? "not set" : "empty");
    if (is_said(place->reader->problems, what))
        return false;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "%s", what);
    PROBLEM_SET(problem, fix, "Set %s, or write the value into the file.", text);
    return false;
}

static bool expand_all(const struct place *place, const char *key, const char *text,
                       struct buffer *out, struct error *err)
{
    for (const char *at = text; *at != '\0';) {
        const char *end;

        if (strncmp(at, "$${", 3) == 0) {
            if (!buffer_add_text(out, "${", err))
                return false;
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            end = strchr(at, '}');
            if (end == NULL)
                end = at + strlen(at);
            if (!expand_one(place, key, (struct slice){at + 2, (size_t)(end - at) - 2}, out, err))
                return false;
            at = *end == '}' ? end + 1 : end;
        } else {
            if (!buffer_add_char(out, *at++, err))
                return false;
        }
    }
    return true;
}

char *place_expand(const struct place *place, const char *key, const char *text)
{
    CLEANUP(buffer_clear) struct buffer out;
    struct error err = {0};

    buffer_init(&out, TEXT_MAX_BYTES);
    if (!expand_all(place, key, text, &out, &err)) {
        if (err.code != ERROR_NONE) {
            struct problem *problem = place_problem(place, false, key);

            PROBLEM_SET(problem, what, "%s", err.message);
        }
        return place_copy(place, "", 0);
    }
    return place_copy(place, out.data == NULL ? "" : out.data, out.len);
}

/* A text value without NUL, or NULL after recording what is wrong. */
static const char *plain_text(const struct place *place, const char *key, struct json_object *value,
                              const char *expected)
{
    const char *text;

    if (!json_object_is_type(value, json_type_string)) {
        place_wrong_type(place, key, value, expected);
        return NULL;
    }
    text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value)) {
        struct problem *problem = place_problem(place, false, key);

        PROBLEM_SET(problem, what, "holds a NUL character");
        return NULL;
    }
    return text;
}

bool place_is_given(const struct place *place, const char *key)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);

    return is_there && !(json_object_is_type(value, json_type_string) &&
                         json_object_get_string_len(value) == 0);
}

char *place_text(const struct place *place, const char *key, const char *fallback)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);
    const char *text = is_there ? plain_text(place, key, value, "text") : fallback;

    if (text == NULL)
        text = "";
    return place_expand(place, key, text);
}

int64_t place_int(const struct place *place, const char *key, int64_t fallback, int64_t min,
                  int64_t max)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);
    struct problem *problem;
    int64_t number;

    if (!is_there)
        return fallback;
    if (!json_object_is_type(value, json_type_int)) {
        place_wrong_type(place, key, value, "a whole number");
        return fallback;
    }
    number = json_object_get_int64(value);
    if (number >= min && number <= max)
        return number;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "out of range");
    PROBLEM_SET(problem, found, "%lld", (long long)number);
    PROBLEM_SET(problem, expected, "a whole number from %lld to %lld", (long long)min,
                (long long)max);
    return fallback;
}

bool place_bool(const struct place *place, const char *key, bool fallback)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);

    if (!is_there)
        return fallback;
    if (!json_object_is_type(value, json_type_boolean)) {
        place_wrong_type(place, key, value, "true or false");
        return fallback;
    }
    return json_object_get_boolean(value) != 0;
}

char **place_texts(const struct place *place, const char *key, size_t *out_count)
{
    bool is_there;
    struct json_object *value = member(place, key, &is_there);
    size_t count;
    char **texts;

    *out_count = 0;
    if (!is_there)
        return NULL;
    if (!json_object_is_type(value, json_type_array)) {
        place_wrong_type(place, key, value, "an array of texts");
        return NULL;
    }
    count = json_object_array_length(value);
    texts = config_pool_alloc(place->reader->pool, (count + 1) * sizeof *texts);
    if (texts == NULL) {
        place->reader->out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char item_key[100];
        const char *text;

        problem_text(item_key, sizeof item_key, "%s[%zu]", key, i);
        text = plain_text(place, item_key, json_object_array_get_idx(value, i), "text");
        texts[i] = place_expand(place, item_key, text == NULL ? "" : text);
    }
    *out_count = count;
    return texts;
}

int place_choice(const struct place *place, const char *key, const char *value,
                 const char *const *names, size_t count)
{
    char shown[80], list[240] = "";
    struct problem *problem;
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, names[i]) == 0)
            return (int)i;
    }
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        const char *before = i == 0 ? "" : i + 1 == count ? " or " : ", ";

        problem_text(list + used, sizeof list - used, "%s%s", before, names[i]);
        used += strlen(list + used);
    }
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "unknown value");
    PROBLEM_SET(problem, found, "%s", reader_show(value, shown, sizeof shown));
    PROBLEM_SET(problem, expected, "%s", list);
    return -1;
}

static struct json_object *expand_value(const struct place *place, const char *key,
                                        struct json_object *value);

static struct json_object *expand_members(const struct place *place)
{
    struct json_object *copy = json_object_new_object();
    bool ok = copy != NULL;

    if (place->object != NULL) {
        json_object_object_foreach(place->object, key, value)
        {
            if (ok && value == NULL)
                ok = json_object_object_add(copy, key, NULL) == 0;
            else
                ok = ok && json_set(copy, key, expand_value(place, key, value));
        }
    }
    place->reader->out_of_memory = place->reader->out_of_memory || !ok;
    return copy;
}

static struct json_object *expand_items(const struct place *place, const char *key,
                                        struct json_object *array)
{
    struct json_object *copy = json_object_new_array();
    size_t count = json_object_array_length(array);

    bool ok = copy != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        char item_key[100];

        problem_text(item_key, sizeof item_key, "%s[%zu]", key, i);
        ok = item == NULL ? json_object_array_add(copy, NULL) == 0
                          : json_append(copy, expand_value(place, item_key, item));
    }
    place->reader->out_of_memory = place->reader->out_of_memory || !ok;
    return copy;
}

static struct json_object *expand_value(const struct place *place, const char *key,
                                        struct json_object *value)
{
    struct place inner = {.reader = place->reader, .object = value};

    switch (json_object_get_type(value)) {
    case json_type_string: {
        const char *text = plain_text(place, key, value, "text");

        text = place_expand(place, key, text == NULL ? "" : text);
        return text == NULL ? NULL : json_object_new_string(text);
    }
    case json_type_object:
        member_path(place, key, inner.path, sizeof inner.path);
        return expand_members(&inner);
    case json_type_array:
        return expand_items(place, key, value);
    default:
        return json_object_get(value);
    }
}

struct json_object *place_expand_object(const struct place *place)
{
    return expand_members(place);
}
