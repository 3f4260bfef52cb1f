/* Writing JSON, and turning string literals into characters and back. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_scan.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static unsigned unit_at(const char *digits)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        char c = digits[i];

        value = value << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* One escape; `*at` stands on the letter behind the backslash and is moved to its last letter. */
static size_t put_escape(const char **at, char *out)
{
    unsigned code;

    switch (**at) {
    case 'b':
        *out = '\b';
        return 1;
    case 'f':
        *out = '\f';
        return 1;
    case 'n':
        *out = '\n';
        return 1;
    case 'r':
        *out = '\r';
        return 1;
    case 't':
        *out = '\t';
        return 1;
    case 'u':
        code = unit_at(*at + 1);
        *at += 4;
        if (code >= 0xD800 && code <= 0xDBFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (unit_at(*at + 3) - 0xDC00);
            *at += 6;
        }
        return put_utf8(code, out);
    default:
        *out = **at;
        return 1;
    }
}

size_t json_unescape_next(const char **at, char out[4])
{
    size_t used = 1;

    if (**at == '\\') {
        ++*at;
        used = put_escape(at, out);
    } else {
        *out = **at;
    }
    ++*at;
    return used;
}

size_t json_unescape_into(const char *literal, size_t len, char *out)
{
    const char *end = literal + len - 1;
    size_t used = 0;

    for (const char *at = literal + 1; at < end;)
        used += json_unescape_next(&at, out + used);
    return used;
}

bool json_unescape(const char *literal, size_t len, struct buffer *out, struct error *err)
{
    struct error ignored = {0};
    size_t before = out->len, used;

    if (len < 2 || literal[0] != '"' || !json_check(literal, len, 1, &ignored))
        return error_set(err, ERROR_BAD_INPUT, "no JSON string");
    if (len == 2)
        return true;
    /* The result is never longer than the literal: make the room, then write in place. */
    if (!buffer_add(out, literal + 1, len - 2, err))
        return false;
    used = json_unescape_into(literal, len, out->data + before);
    buffer_truncate(out, before + used);
    return true;
}

static bool add_escaped_byte(struct buffer *out, unsigned char c, struct error *err)
{
    static const char short_forms[] = "btn\0fr"; /* 8, 9, 10, (11), 12, 13 */

    if (c >= 8 && c <= 13 && c != 11) {
        char pair[2] = {'\\', short_forms[c - 8]};

        return buffer_add(out, pair, 2, err);
    }
    return buffer_printf(out, err, "\\u%04x", c);
}

bool json_add_string(struct buffer *out, const char *text, size_t len, struct error *err)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    size_t before = out->len, start = 0;
    bool is_valid = utf8_is_valid(text, len), ok = buffer_add_char(out, '"', err);

    for (size_t i = 0; ok && i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t left = len - i, step = 1;

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F && (c < 0x80 || is_valid))
            continue;
        if (c >= 0x80) {
            /* The longest well-formed character here, if there is one. */
            for (step = left < 4 ? left : 4; step > 1 && !utf8_is_valid(text + i, step); step--)
                ;
            if (step > 1) {
                i += step - 1;
                continue;
            }
        }
        ok = i == start || buffer_add(out, text + start, i - start, err);
        start = i + 1;
        if (!ok)
            break;
        if (c == '"' || c == '\\') {
            char pair[2] = {'\\', (char)c};

            ok = buffer_add(out, pair, 2, err);
        } else if (c >= 0x80) {
            ok = buffer_add(out, replacement, 3, err);
        } else {
            ok = add_escaped_byte(out, c, err);
        }
    }
    ok = ok && (start >= len || buffer_add(out, text + start, len - start, err)) &&
         buffer_add_char(out, '"', err);
    if (!ok)
        buffer_truncate(out, before);
    return ok;
}
