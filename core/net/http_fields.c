/* The small grammars of HTTP fields (RFC 9110 section 5, RFC 3986 section 3.2). */
#include "net/http_fields.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool http_is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.data[i]) &&
            (text.data[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text.data[i]) == NULL))
            return false;
    return text.len > 0;
}

bool http_value_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

/* The part behind the last colon outside brackets; digits, at most 65535, may be empty. */
static bool is_port(struct slice text)
{
    uint64_t port = 0;

    return text.len == 0 ||
           (text.len <= 5 && parse_uint64(text.data, text.len, &port) && port <= 65535);
}

bool http_host_is_valid(struct slice text)
{
    struct slice rest = text, name;

    if (text.len == 0 || text.len > 255)
        return false;
    if (text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.len);

        if (close == NULL || close == text.data + 1)
            return false;
        for (const char *at = text.data + 1; at < close; at++)
            if (!is_alnum(*at) && *at != ':' && *at != '.')
                return false;
        rest = (struct slice){close + 1, (size_t)(text.data + text.len - close - 1)};
        return rest.len == 0 ||
               (rest.data[0] == ':' && is_port((struct slice){rest.data + 1, rest.len - 1}));
    }
    name = slice_cut(&rest, ':');
    for (size_t i = 0; i < name.len; i++)
        if (!is_alnum(name.data[i]) && strchr("-._~", name.data[i]) == NULL)
            return false;
    return name.len > 0 && (rest.data == NULL || is_port(rest));
}

bool http_parse_hex(struct slice text, uint64_t *out_value)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out_value = value;
    return true;
}
