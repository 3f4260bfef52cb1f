/* All faults of the configuration files, found in one run, each with place and remedy. */
#ifndef SESAME_CONFIG_PROBLEMS_H
#define SESAME_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct error;

#define PROBLEM_CODE_DEFAULT "ConfigError"

/* Texts are NUL-terminated and cut to fit; none of them ever holds a secret. `found`, `expected`
 * and `fix` are "" where they would say nothing. */
struct problem {
    bool is_warning;
    char code[48];     /* a stable name: the vendor SDK's where it has one, else ours */
    char file[256];    /* path as the user gave it, or "built-in default" */
    char path[160];    /* JSON path, as "$.credentials.llm.origins[0]"; "" for the file itself */
    char variable[64]; /* the one that the value at `path` comes from; "" when it stands there */
    char what[240];    /* one clause without a full stop: "is missing", "unknown key" */
    char found[160];
    char expected[240];
    char fix[320]; /* a sentence */
};

struct problems {
    struct problem *items;
    size_t count;
    size_t error_count; /* those that are not warnings */
    bool is_cut;        /* more were found than are kept, or memory ran out */
};

#define PROBLEMS_MAX_COUNT 200

/* All zero bytes is an empty list too. */
void problems_init(struct problems *problems);
void problems_clear(struct problems *problems);

/* A fresh problem, its texts empty and its code PROBLEM_CODE_DEFAULT; never NULL (when there is no
 * room it is a spare one that nobody sees, and the list counts it all the same). Valid until the
 * next call. */
struct problem *problems_add(struct problems *problems, bool is_warning, const char *file,
                             const char *path);

/* Sets one of the texts; cut at a character boundary. */
void problem_text(char *out, size_t out_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define PROBLEM_SET(problem, member, ...) \
    problem_text((problem)->member, sizeof(problem)->member, __VA_ARGS__)

/* One line: "FILE: $.path (VARIABLE): what; found X; expected Y. Fix. [Code]" */
bool problem_format(const struct problem *problem, struct buffer *out, struct error *err);

/* The first problem with this code, or NULL. */
const struct problem *problems_find(const struct problems *problems, const char *code);

#endif
