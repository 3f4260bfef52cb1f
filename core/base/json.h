/* The one JSON boundary: a strict RFC 8259 reader in front of json-c, pointers, and a writer.
 *
 * json-c accepts single quotes, NaN, duplicate members, control characters, lone surrogates and
 * more even in its strict mode, so nothing from outside reaches it before json_check passed. */
#ifndef SESAME_BASE_JSON_H
#define SESAME_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/text.h"

struct buffer;
struct error;
struct secret;

#define JSON_DEPTH_DEFAULT 32
#define JSON_DEPTH_TOOL_RESULT 64

/* Checks that `text` is exactly one RFC 8259 value: grammar, well-formed UTF-8, no byte order mark,
 * no NUL, no control characters in strings, no lone surrogates, no member twice in an object (names
 * compared after unescaping), nesting at most `max_depth`, numbers that fit int64 or a finite
 * double. The error names line, column and what was found; it never quotes a string value. */
bool json_check(const char *text, size_t len, int max_depth, struct error *err);

/* json_check, then json-c's objects, made by our own builder. A name that holds NUL is refused,
 * because json-c cannot hold it. NULL for null too: then there is no error. Numbers with a point or
 * an exponent keep their spelling. The caller owns the result (json_object_put). */
struct json_object *json_parse(const char *text, size_t len, int max_depth, struct error *err);

/* For CLEANUP(json_cleanup). */
void json_cleanup(struct json_object **slot);

/* Members of an object, borrowed until the object goes. NULL or false when the member is missing or
 * of another type. Strings carry their length because they may hold NUL. */
const char *json_get_string(struct json_object *object, const char *name, size_t *out_len);
bool json_get_int64(struct json_object *object, const char *name, int64_t *out_value);
bool json_get_bool(struct json_object *object, const char *name, bool *out_value);
struct json_object *json_get_object(struct json_object *object, const char *name);
struct json_object *json_get_array(struct json_object *object, const char *name);

/* Puts `value` into an object (in the place of what stood there) or at the end of an array, and
 * takes it whether that succeeds or not. False when there was no memory: for the value itself or
 * for the container, which may be NULL for that reason, or to hold it. So a value can be made in
 * the call: json_set(object, "n", json_object_new_int64(5)). */
bool json_set(struct json_object *object, const char *name, struct json_object *value);
bool json_append(struct json_object *array, struct json_object *value);

/* Finds the raw text of the value at `pointer` (RFC 6901, as "/a/0/b") in text that json_check
 * accepted, without parsing it into objects. False when it is not there. */
bool json_find(const char *text, size_t len, const char *pointer, const char **out_value,
               size_t *out_len);

/* One member to look for, and what it is. */
struct json_member {
    const char *name;
    char first;         /* '{', '[' or '"': the type it must be of; 0: any */
    struct slice value; /* raw text; empty when it is missing or of another type */
};

/* Finds members of a checked object in one pass, without building objects: for readers of many
 * small texts. Anything but an object has no members. */
void json_find_members(struct slice object, struct json_member *members, size_t count);

/* The integer at `pointer`; false when there is none or it is written as a fraction. */
bool json_find_int64(struct slice json, const char *pointer, int64_t *out_value);

/* The characters of a checked string literal: they lie in the literal itself, or in `scratch`
 * (replaced) where an escape stands in it. An empty slice gives an empty one. */
bool json_characters(struct slice literal, struct buffer *scratch, struct slice *out_text,
                     struct error *err);

/* Takes the string at `pointer` straight into locked memory: the text never enters json-c. Checks
 * the text first. Refuses a missing member, a value that is not a string, and an empty string. The
 * caller owns `*out_secret`. */
bool json_take_secret(const char *text, size_t len, const char *pointer, struct secret **out_secret,
                      struct error *err);

/* In a checked object or array: the next member. Start with `*position` 0. `*out_name` is the raw
 * literal with its quotes, empty in arrays. False at the end. */
bool json_next(const char *text, size_t len, size_t *position, struct slice *out_name,
               struct slice *out_value);

/* The characters of a checked string literal into `out`, which holds at least len - 2 bytes;
 * returns how many. For memory that a buffer must not own. */
size_t json_unescape_into(const char *literal, size_t len, char *out);

/* Unescapes a raw JSON string literal (with its quotes) and appends the characters to `out`. */
bool json_unescape(const char *literal, size_t len, struct buffer *out, struct error *err);

/* Appends `text` as a JSON string literal with its quotes. Invalid UTF-8 becomes U+FFFD, so the
 * result is always valid JSON on one line. */
bool json_add_string(struct buffer *out, const char *text, size_t len, struct error *err);

/* Appends `value` as compact JSON text, or nothing. Unlike json-c's serialiser it writes nothing
 * into the objects and never cuts the text. */
bool json_add_value(struct buffer *out, struct json_object *value, struct error *err);

/* The same as a text of its own, NUL-terminated, which the caller frees. NULL with `err` without
 * memory, or when it is longer than 16 MiB. */
char *json_text(struct json_object *value, struct error *err);

#endif
