/* Checked text helpers: slices, numbers, UTF-8, base64, hex, percent-encoding. */
#ifndef SESAME_BASE_TEXT_H
#define SESAME_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Borrowed bytes, not NUL-terminated. `data` may be NULL when `len` is 0. */
struct slice {
    const char *data;
    size_t len;
};

struct slice slice_of(const char *text); /* NULL gives the empty slice */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_text(struct slice a, const char *text);
bool slice_equal_nocase(struct slice a, const char *text); /* ASCII */
bool slice_starts_with(struct slice a, const char *prefix);
struct slice slice_trim(struct slice a);          /* blanks, tabs, CR, LF at both ends */
struct slice slice_trim_line_end(struct slice a); /* CR and LF at the end, as editors leave them */

/* Cuts `rest` at the first `separator`: returns the part before it and leaves the part behind it
 * in `rest`. With no separator left it returns all of `rest` and leaves {NULL, 0}. */
struct slice slice_cut(struct slice *rest, char separator);

/* Copies into a fresh NUL-terminated string; NULL when there is no memory or a NUL inside. */
char *slice_dup(struct slice a);

/* The whole text must be a decimal number: optional '-', digits, no blank, no '+', in range. */
bool parse_int64(const char *text, size_t len, int64_t *out_value);
bool parse_uint64(const char *text, size_t len, uint64_t *out_value);

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool utf8_is_valid(const char *text, size_t len);

/* The longest prefix of `text` of at most `max_bytes` that does not end inside a character. */
size_t utf8_prefix(const char *text, size_t len, size_t max_bytes);

/* Standard base64 with padding, and base64url without (RFC 4648). Decoding is strict: no blanks,
 * no foreign letters, unused bits zero, base64url without padding; on failure `out` is unchanged.
 * Encoders append to `out`. */
bool base64_encode(const void *bytes, size_t len, struct buffer *out, struct error *err);
bool base64_decode(const char *text, size_t len, struct buffer *out, struct error *err);
bool base64url_encode(const void *bytes, size_t len, struct buffer *out, struct error *err);
bool base64url_decode(const char *text, size_t len, struct buffer *out, struct error *err);

/* Lower-case hex; `out` must hold 2 * len + 1 bytes. */
void hex_encode(const void *bytes, size_t len, char *out);

/* RFC 3986 percent-encoding of everything but unreserved characters, upper-case hex. */
bool percent_encode(const char *text, size_t len, struct buffer *out, struct error *err);

/* Undoes percent-encoding; with `plus_is_blank` also '+' (forms). Refuses cut or bad escapes. */
bool percent_decode(const char *text, size_t len, bool plus_is_blank, struct buffer *out,
                    struct error *err);

/* Appends "name=value" in application/x-www-form-urlencoded form, with '&' before it when `out`
 * is not empty. Blank becomes '+', as the vendor's clients do. */
bool form_add(struct buffer *out, const char *name, const char *value, size_t value_len,
              struct error *err);

/* The Levenshtein-nearest of `count` names, or NULL when none is near enough to be a typo. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

#endif
