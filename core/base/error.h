/* The one way to report a failure: set once, passed up, context added where it helps. */
#ifndef SESAME_BASE_ERROR_H
#define SESAME_BASE_ERROR_H

#include <stdbool.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_NO_MEMORY,
    ERROR_BAD_INPUT,  /* what was given is wrong; the same call fails again */
    ERROR_NOT_FOUND,  /* what was named does not exist */
    ERROR_DENIED,     /* refused by policy or by a peer; needs another credential or permission */
    ERROR_UPSTREAM,   /* a peer failed or broke its protocol; trying again may help */
    ERROR_RATE_LIMIT, /* a peer asked to slow down */
    ERROR_TIMED_OUT,
    ERROR_CANCELLED,
    ERROR_LIMIT, /* one of our own limits was reached */
    ERROR_INTERNAL,
};

#define ERROR_NAME_SIZE 48

struct error {
    enum error_code code;
    char
        name[ERROR_NAME_SIZE]; /* a stable machine name, as "InvalidScope"; "" when there is none */
    char message[480];         /* for an operator: never holds a secret */
};

/* Records the first fault and returns false, so callers can write `return error_set(err, ...)`.
 * `err` is never NULL. A second call on the same error is a bug. Text that does not fit is cut at
 * a character boundary. */
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with the stable name that clients and documents use (reference: the vendor SDK's
 * error codes, as "ClientIdNotFound", or our own). */
bool error_set_named(struct error *err, enum error_code code, const char *name, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

/* Puts `format` in front of the message already there: "outer: inner". Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties `err` so that it can be used again, after the fault was handled. */
void error_clear(struct error *err);

/* A short lower-case word for `code`, as "timed out"; static. */
const char *error_code_text(enum error_code code);

#endif
