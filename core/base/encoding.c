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

/* What each letter stands for, with IS_LETTER added; 0 for other bytes. */
#define IS_LETTER 64
#define LETTERS_OF_BOTH                                                                        \
    ['A'] = 64, ['B'] = 65, ['C'] = 66, ['D'] = 67, ['E'] = 68, ['F'] = 69, ['G'] = 70,        \
    ['H'] = 71, ['I'] = 72, ['J'] = 73, ['K'] = 74, ['L'] = 75, ['M'] = 76, ['N'] = 77,        \
    ['O'] = 78, ['P'] = 79, ['Q'] = 80, ['R'] = 81, ['S'] = 82, ['T'] = 83, ['U'] = 84,        \
    ['V'] = 85, ['W'] = 86, ['X'] = 87, ['Y'] = 88, ['Z'] = 89, ['a'] = 90, ['b'] = 91,        \
    ['c'] = 92, ['d'] = 93, ['e'] = 94, ['f'] = 95, ['g'] = 96, ['h'] = 97, ['i'] = 98,        \
    ['j'] = 99, ['k'] = 100, ['l'] = 101, ['m'] = 102, ['n'] = 103, ['o'] = 104, ['p'] = 105,  \
    ['q'] = 106, ['r'] = 107, ['s'] = 108, ['t'] = 109, ['u'] = 110, ['v'] = 111, ['w'] = 112, \
    ['x'] = 113, ['y'] = 114, ['z'] = 115, ['0'] = 116, ['1'] = 117, ['2'] = 118, ['3'] = 119, \
    ['4'] = 120, ['5'] = 121, ['6'] = 122, ['7'] = 123, ['8'] = 124, ['9'] = 125

static const unsigned char STANDARD_VALUES[256] = {LETTERS_OF_BOTH, ['+'] = 126, ['/'] = 127};
static const unsigned char URL_SAFE_VALUES[256] = {LETTERS_OF_BOTH, ['-'] = 126, ['_'] = 127};

/* Up to four letters as the 24 bits they stand for, those of missing letters zero. False: one of
 * the bytes is no letter. */
static bool decode_group(const unsigned char *letters, size_t count, const unsigned char *values,
                         uint32_t *out_word)
{
    unsigned char is_letter = IS_LETTER;
    uint32_t word = 0;

    for (size_t i = 0; i < 4; i++) {
        unsigned char value = i < count ? values[letters[i]] : IS_LETTER;

        is_letter &= value;
        word = word << 6 | (value & 63);
    }
    *out_word = word;
    return is_letter != 0;
}

static bool refuse_letter(const unsigned char *letters, size_t len, const unsigned char *values,
                          struct error *err)
{
    size_t i = 0;

    while (i < len && values[letters[i]] != 0)
        i++;
    return error_set(err, ERROR_BAD_INPUT, "byte %zu is no base64 letter", i);
}

/* Decodes text without padding; unused bits must be zero so that each value has one spelling. */
static bool decode(const char *text, size_t len, const unsigned char *values, struct buffer *out,
                   struct error *err)
{
    const unsigned char *letters = (const unsigned char *)text;
    size_t left = len % 4, full = len - left, before = out->len;
    size_t last = left == 0 ? 0 : left - 1; /* bytes in the last group, when it is not full */
    uint32_t word = 0;
    unsigned char *bytes;

    if (left == 1)
        return error_set(err, ERROR_BAD_INPUT, "base64 text of impossible length %zu", len);
    bytes = (unsigned char *)buffer_extend(out, full / 4 * 3 + last, err);
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < full; i += 4, bytes += 3) {
        if (!decode_group(letters + i, 4, values, &word)) {
            buffer_truncate(out, before);
            return refuse_letter(letters, len, values, err);
        }
        bytes[0] = (unsigned char)(word >> 16);
        bytes[1] = (unsigned char)(word >> 8);
        bytes[2] = (unsigned char)word;
    }
    if (!decode_group(letters + full, left, values, &word)) {
        buffer_truncate(out, before);
        return refuse_letter(letters, len, values, err);
    }
    for (size_t i = 0; i < last; i++, word <<= 8)
        bytes[i] = (unsigned char)(word >> 16);
    if ((word & 0xFFFFFF) != 0) {
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
    return decode(text, len, STANDARD_VALUES, out, err);
}

bool base64url_decode(const char *text, size_t len, struct buffer *out, struct error *err)
{
    return decode(text, len, URL_SAFE_VALUES, out, err);
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
