/* Reading a checked JSON object member by member: types, ranges, ${NAME}; every fault is recorded
 * with its JSON path and a harmless value is returned, so that one run finds all of them. */
#ifndef SESAME_CONFIG_READER_H
#define SESAME_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_pool;
struct config_source;
struct json_object;
struct problem;
struct problems;

/* Which member of the file takes its text from which variable. Both texts are the pool's. */
struct config_variable {
    struct config_variable *next;
    char *path; /* "$.inbound.jwks_url" */
    char *name; /* "JWKS_ENDPOINT" */
};

struct reader {
    const char *file;
    const struct config_source *source;
    struct config_pool *pool;
    struct problems *problems;
    bool unknown_is_warning;
    bool out_of_memory;
    struct config_variable *variables; /* as they were expanded, the latest first */
};

/* The variable behind the member at `path`, the first one when there are several; "" when none. */
const char *config_variable_at(const struct config_variable *variables, const char *path);

/* An object of the file and where it stands. `object` NULL: missing, so every member is. */
struct place {
    struct reader *reader;
    struct json_object *object;
    char path[160];
};

struct place place_root(struct reader *reader, struct json_object *object);

/* A problem at a member; `key` may be "" for the object itself. */
struct problem *place_problem(const struct place *place, bool is_warning, const char *key);

/* A problem saying that the member is of the wrong type. */
void place_wrong_type(const struct place *place, const char *key, struct json_object *value,
                      const char *expected);

/* One problem (or warning) for each member that is not one of `names`, with the nearest name. */
void place_check_keys(const struct place *place, const char *const *names, size_t count);

bool place_has(const struct place *place, const char *key);

/* Neither missing nor "". When such a member reads as "", its fault has been reported. */
bool place_is_given(const struct place *place, const char *key);

/* The object under `key`; a missing one gives a place without members. False when there is
 * something else. */
bool place_object(const struct place *place, const char *key, struct place *out_place);

/* Never NULL; owned by the pool. `fallback` when missing; "" after a fault. ${NAME} is expanded. */
char *place_text(const struct place *place, const char *key, const char *fallback);
int64_t place_int(const struct place *place, const char *key, int64_t fallback, int64_t min,
                  int64_t max);
bool place_bool(const struct place *place, const char *key, bool fallback);

/* An array of texts; NULL and 0 when missing. Expanded like place_text. */
char **place_texts(const struct place *place, const char *key, size_t *out_count);

/* The index of `value` in `names`, or -1 after recording a problem that lists them. */
int place_choice(const struct place *place, const char *key, const char *value,
                 const char *const *names, size_t count);

/* A copy in the reader's pool. Never NULL: without memory it is "", and the reader remembers it. */
char *place_copy(const struct place *place, const char *text, size_t len);

/* `text` with every ${NAME} replaced ("$${" stands for "${"). A fault is recorded at `key`, and ""
 * returned, when a variable is not set or blank. */
char *place_expand(const struct place *place, const char *key, const char *text);

/* A copy of an object in which every text is expanded; the caller owns it. */
struct json_object *place_expand_object(const struct place *place);

/* Shows a value in a message unless it looks like a secret. */
const char *reader_show(const char *value, char *out, size_t out_size);

#endif
