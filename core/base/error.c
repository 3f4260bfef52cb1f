/* The one way to report a failure: set once, passed up, context added where it helps. */
#include "base/error.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts `err->message` at a character boundary when vsnprintf had to stop in the middle. */
static void trim_message(struct error *err)
{
    size_t len = strlen(err->message);

    err->message[utf8_prefix(err->message, len, len)] = '\0';
}

__attribute__((format(printf, 4, 0))) static void
set(struct error *err, enum error_code code, const char *name, const char *format, va_list args)
{
    assert(err != NULL && err->code == ERROR_NONE && code != ERROR_NONE);
    err->code = code;
    (void)snprintf(err->name, sizeof err->name, "%s", name); /* names are short constants */
    /* Cutting a message off is fine: the front says what happened. */
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    trim_message(err);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(err, code, "", format, args);
    va_end(args);
    return false;
}

bool error_set_named(struct error *err, enum error_code code, const char *name, const char *format,
                     ...)
{
    va_list args;

    va_start(args, format);
    set(err, code, name, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
    char inner[sizeof err->message];
    va_list args;
    size_t used;

    assert(err->code != ERROR_NONE);
    memcpy(inner, err->message, sizeof inner);
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
    trim_message(err);
    return false;
}

void error_clear(struct error *err)
{
    memset(err, 0, sizeof *err);
}

const char *error_code_text(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
        return "ok";
    case ERROR_NO_MEMORY:
        return "no memory";
    case ERROR_BAD_INPUT:
        return "bad input";
    case ERROR_NOT_FOUND:
        return "not found";
    case ERROR_DENIED:
        return "denied";
    case ERROR_UPSTREAM:
        return "unavailable";
    case ERROR_RATE_LIMIT:
        return "rate limited";
    case ERROR_TIMED_OUT:
        return "timed out";
    case ERROR_CANCELLED:
        return "cancelled";
    case ERROR_LIMIT:
        return "limit reached";
    case ERROR_INTERNAL:
        break;
    }
    return "internal error";
}
