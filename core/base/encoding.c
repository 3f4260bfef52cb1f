/* Encodings of bytes as text: base64, base64url, hex, percent-encoding, forms. */
#include "base/text.h"

#include "base/buffer.h"
#include "base/error.h"

#include <string.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool encode(const void *bytes, size_t len, const char *alphabet, bool pad,
                   struct buffer *out, struct error *err)
{
    const unsigned char *in = bytes;
    size_t before = out->len;
    bool ok = true;

    for (size_t i = 0; ok && i < len; i += 3) {
        size_t left = len - i;
        uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0);
        char group[4] = {alphabet[word >> 18], alphabet[word >> 12 & 63],
                         left > 1 ? alphabet[word >> 6 & 63] : '=',
                         left > 2 ? alphabet[word & 63] : '='};

        ok = buffer_add(out, group, pad || left > 2 ? 4 : left + 1, err);
    }
    if (!ok)
        buffer_truncate(out, before);
    return ok;
}

static int letter_value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == alphabet[62])
        return 62;
    return c == alphabet[63] ? 63 : -1;
}

/* Decodes text without padding; unused bits must be zero so that each value has one spelling. */
static bool decode(const char *text, size_t len, const char *alphabet, struct buffer *out,
                   struct error *err)
{
    size_t before = out->len;
    uint32_t word = 0;

    if (len % 4 == 1)
        return error_set(err, ERROR_BAD_INPUT, "base64 text of impossible length %zu", len);
    for (size_t i = 0; i < len; i++) {
        int value = letter_value(text[i], alphabet);
        size_t bits = (i % 4) * 6; /* bits of this group that came before */

        if (value < 0) {
            buffer_truncate(out, before);
            return error_set(err, ERROR_BAD_INPUT, "byte %zu is no base64 letter", i);
        }
        word = (word << 6 | (uint32_t)value) & 0xFFFFFF;
        if (bits == 0)
            continue;
        if (!buffer_add_char(out, (char)(word >> (6 - bits / 6 * 2)), err)) {
            buffer_truncate(out, before);
            return false;
        }
    }
    if ((len % 4 == 2 && (word & 0xF) != 0) || (len % 4 == 3 && (word & 0x3) != 0)) {
        buffer_truncate(out, before);
        return error_set(err, ERROR_BAD_INPUT, "base64 text with unused bits that are not zero");
    }
    return true;
}

bool base64_encode(const void *bytes, size_t len, struct buffer *out, struct error *err)
{
    return encode(bytes, len, STANDARD, true, out, err);
}

bool base64url_encode(const void *bytes, size_t len, struct buffer *out, struct error *err)
{
    return encode(bytes, len, URL_SAFE, false, out, err);
}

bool base64_decode(const char *text, size_t len, struct buffer *out, struct error *err)
{
    if (len % 4 != 0)
        return error_set(err, ERROR_BAD_INPUT, "base64 text without its padding");
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    return decode(text, len, STANDARD, out, err);
}

bool base64url_decode(const char *text, size_t len, struct buffer *out, struct error *err)
{
    return decode(text, len, URL_SAFE, out, err);
}

void hex_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool escape(const char *text, size_t len, bool blank_is_plus, struct buffer *out,
                   struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t before = out->len;
    bool ok = true;

    for (size_t i = 0; ok && i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char triple[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (is_unreserved(text[i]))
            ok = buffer_add_char(out, text[i], err);
        else if (blank_is_plus && c == ' ')
            ok = buffer_add_char(out, '+', err);
        else
            ok = buffer_add(out, triple, 3, err);
    }
    if (!ok)
        buffer_truncate(out, before);
    return ok;
}

bool percent_encode(const char *text, size_t len, struct buffer *out, struct error *err)
{
    return escape(text, len, false, out, err);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(const char *text, size_t len, bool plus_is_blank, struct buffer *out,
                    struct error *err)
{
    size_t before = out->len;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = len - i > 2 ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                buffer_truncate(out, before);
                return error_set(err, ERROR_BAD_INPUT, "byte %zu starts no %%XX escape", i);
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (!buffer_add_char(out, c, err)) {
            buffer_truncate(out, before);
            return false;
        }
    }
    return true;
}

bool form_add(struct buffer *out, const char *name, const char *value, size_t value_len,
              struct error *err)
{
    size_t before = out->len;

    if ((before == 0 || buffer_add_char(out, '&', err)) &&
        escape(name, strlen(name), true, out, err) && buffer_add_char(out, '=', err) &&
        escape(value, value_len, true, out, err))
        return true;
    buffer_truncate(out, before);
    return false;
}
