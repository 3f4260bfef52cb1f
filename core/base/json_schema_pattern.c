/* Patterns of JSON Schema (ECMA-262) on POSIX extended expressions.
 *
 * What POSIX has not — look-around, lazy repetition, back references, word boundaries, Unicode
 * escapes, more than 255 repetitions — is not tried: such a pattern lets everything pass, and the
 * tool itself says no. A pattern is matched byte by byte. */
#include "base/json_schema_private.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX_BYTES 1024
#define SUBJECT_MAX_BYTES 4096
#define REPEAT_MAX 255

enum translation { TRANSLATED, UNKNOWN_SYNTAX, BROKEN };

static const char *class_of(char letter)
{
    switch (letter) {
    case 'd':
        return "0-9";
    case 'w':
        return "A-Za-z0-9_";
    case 's':
        return " \t\n\v\f\r";
    default:
        return NULL;
    }
}

/* One character inside brackets after a backslash; 0 when it is none. */
static char plain_escape(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    case 'v':
        return '\v';
    default:
        return isalnum((unsigned char)letter) ? '\0' : letter;
    }
}

/* POSIX brackets know no backslash: ']' must come first and '-' last, '^' not first. */
static enum translation translate_brackets(const char **at, struct buffer *out, struct error *err)
{
    bool is_negated = (*at)[1] == '^', has_bracket = false, has_dash = false, has_caret = false;
    const char *c = *at + (is_negated ? 2 : 1);
    struct buffer members;
    bool ok = true;

    buffer_init(&members, 4 * PATTERN_MAX_BYTES);
    for (; ok && *c != '\0' && *c != ']'; c++) {
        char letter = *c;

        if (letter == '[' && (c[1] == ':' || c[1] == '.' || c[1] == '='))
            goto unknown;
        if (letter == '\\') {
            const char *class = class_of(*++c);

            if (class != NULL) {
                ok = buffer_add_text(&members, class, err);
                continue;
            }
            letter = plain_escape(*c);
            if (letter == '\0')
                goto unknown;
            has_dash = has_dash || letter == '-';
            if (letter == '-')
                continue;
        } else if (letter == '-' && (members.len == 0 || c[1] == ']')) {
            has_dash = true;
            continue;
        }
        has_bracket = has_bracket || letter == ']';
        has_caret = has_caret || letter == '^';
        if (letter != ']' && letter != '^')
            ok = buffer_add_char(&members, letter, err);
    }
    if (*c != ']' || (members.len == 0 && !has_bracket && !has_dash && !has_caret))
        goto unknown;
    *at = c;
    ok = ok && buffer_add_text(out, is_negated ? "[^" : "[", err) &&
         (!has_bracket || buffer_add_char(out, ']', err)) &&
         buffer_add(out, members.data, members.len, err) &&
         (!has_caret || buffer_add_char(out, '^', err)) &&
         (!has_dash || buffer_add_char(out, '-', err)) && buffer_add_char(out, ']', err);
    buffer_clear(&members);
    /* A lone "^" would negate. */
    return !ok || (has_caret && !is_negated && !has_bracket && !has_dash && members.len == 0)
               ? UNKNOWN_SYNTAX
               : TRANSLATED;

unknown:
    buffer_clear(&members);
    return UNKNOWN_SYNTAX;
}

static enum translation translate_escape(const char **at, struct buffer *out, struct error *err)
{
    char letter = *++*at;
    const char *class = class_of((char)tolower((unsigned char)letter));
    char plain;

    if (letter == '\0')
        return BROKEN;
    if (class != NULL && (islower((unsigned char)letter) || letter != 'V'))
        return buffer_add_text(out, isupper((unsigned char)letter) ? "[^" : "[", err) &&
                       buffer_add_text(out, class, err) && buffer_add_char(out, ']', err)
                   ? TRANSLATED
                   : UNKNOWN_SYNTAX;
    plain = plain_escape(letter);
    if (plain == '\0')
        return UNKNOWN_SYNTAX;
    if (strchr(".[]{}()*+?^$|\\", plain) != NULL && !buffer_add_char(out, '\\', err))
        return UNKNOWN_SYNTAX;
    return buffer_add_char(out, plain, err) ? TRANSLATED : UNKNOWN_SYNTAX;
}

static bool repeats_too_often(const char *brace)
{
    long value = 0;

    for (const char *c = brace + 1; *c != '\0' && *c != '}'; c++) {
        value = isdigit((unsigned char)*c) ? value * 10 + (*c - '0') : 0;
        if (value > REPEAT_MAX)
            return true;
    }
    return false;
}

static enum translation translate(const char *source, struct buffer *out, struct error *err)
{
    for (const char *at = source; *at != '\0'; at++) {
        enum translation result = TRANSLATED;

        if (*at == '\\')
            result = translate_escape(&at, out, err);
        else if (*at == '[')
            result = translate_brackets(&at, out, err);
        else if (*at == '(' && at[1] == '?' && at[2] != ':')
            result = UNKNOWN_SYNTAX;
        else if (strchr("*+?}", *at) != NULL && (at[1] == '?' || at[1] == '+'))
            result = UNKNOWN_SYNTAX;
        else if (*at == '{' && repeats_too_often(at))
            result = UNKNOWN_SYNTAX;
        else if (!buffer_add_char(out, *at, err))
            result = UNKNOWN_SYNTAX;
        else if (*at == '(' && at[1] == '?')
            at += 2;
        if (result != TRANSLATED)
            return result;
    }
    return TRANSLATED;
}

static struct schema_pattern *find(const struct json_schema *schema, const char *source)
{
    for (struct schema_pattern *pattern = schema->patterns; pattern != NULL;
         pattern = pattern->next)
        if (strcmp(pattern->source, source) == 0)
            return pattern;
    return NULL;
}

static bool compile_pattern(struct schema_pattern *pattern, struct error *err)
{
    struct error why = {0};
    struct buffer text;
    enum translation result = UNKNOWN_SYNTAX;
    int failure = 0;
    char reason[100];

    buffer_init(&text, 8 * PATTERN_MAX_BYTES);
    if (strlen(pattern->source) <= PATTERN_MAX_BYTES)
        result = translate(pattern->source, &text, &why);
    if (result == TRANSLATED)
        failure =
            regcomp(&pattern->regex, text.data == NULL ? "" : text.data, REG_EXTENDED | REG_NOSUB);
    buffer_clear(&text);
    pattern->is_ignored = result != TRANSLATED || failure != 0;
    /* Never let everything pass because memory ran out. */
    if (why.code == ERROR_NO_MEMORY || failure == REG_ESPACE)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a pattern");
    if (result == BROKEN)
        return error_set(err, ERROR_BAD_INPUT, "the pattern ends in a backslash");
    if (failure == 0)
        return true;
    regerror(failure, &pattern->regex, reason, sizeof reason);
    return error_set(err, ERROR_BAD_INPUT, "the pattern does not compile: %s", reason);
}

bool schema_pattern_add(struct json_schema *schema, const char *source, struct error *err)
{
    struct schema_pattern *pattern;

    if (find(schema, source) != NULL)
        return true;
    pattern = calloc(1, sizeof *pattern);
    if (pattern == NULL || (pattern->source = strdup(source)) == NULL) {
        free(pattern);
        return error_set(err, ERROR_NO_MEMORY, "no memory for a pattern");
    }
    if (!compile_pattern(pattern, err)) {
        free(pattern->source);
        free(pattern);
        return false;
    }
    pattern->next = schema->patterns;
    schema->patterns = pattern;
    return true;
}

bool schema_pattern_matches(const struct json_schema *schema, const char *source, const char *text,
                            size_t len)
{
    const struct schema_pattern *pattern = find(schema, source);

    if (pattern == NULL || pattern->is_ignored || len > SUBJECT_MAX_BYTES || strlen(text) != len)
        return true;
    return regexec(&pattern->regex, text, 0, NULL, 0) == 0;
}

void schema_patterns_free(struct json_schema *schema)
{
    while (schema->patterns != NULL) {
        struct schema_pattern *pattern = schema->patterns;

        schema->patterns = pattern->next;
        if (!pattern->is_ignored)
            regfree(&pattern->regex);
        free(pattern->source);
        free(pattern);
    }
}
