/* Text from a tool, made fit for a model: what shows as nothing or as something else goes. */
#include "base/text_clean.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MARK_MAX_BYTES 40

/* How many bytes the character at `text` has by its first byte, all of them there and valid; 0. */
static size_t character_len(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    return size <= len && (size == 1 || utf8_is_valid(text, size)) ? size : 0;
}

static uint32_t code_point(const char *text, size_t size)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t value = (unsigned char)text[0] & masks[size];

    for (size_t i = 1; i < size; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3F);
    return value;
}

static bool is_hidden(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c <= 0x9F) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

/* "<|word|>" at the end of what is kept, the last '>' included. */
static void blank_mark(char *text, size_t len)
{
    size_t at = len < 5 || text[len - 2] != '|' ? 0 : len - 3;

    while (at > 1 && len - at < MARK_MAX_BYTES && text[at] != '|' && text[at] != '<' &&
           text[at] != '\n')
        at--;
    if (at < 1 || text[at] != '|' || text[at - 1] != '<' || at == len - 2)
        return;
    text[at] = text[len - 2] = ' ';
}

size_t text_clean(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t at = 0; at < len;) {
        size_t size = character_len(text + at, len - at);

        if (size == 0) {
            text[kept++] = '?';
            at++;
        } else if (is_hidden(code_point(text + at, size))) {
            at += size;
        } else {
            memmove(text + kept, text + at, size);
            kept += size;
            at += size;
            if (text[kept - 1] == '>')
                blank_mark(text, kept);
        }
    }
    return kept;
}
