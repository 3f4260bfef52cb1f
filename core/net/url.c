/* Origins and harmless forms of URLs. */
#include "net/http_client.h"

#include "base/error.h"
#include "net/http_fields.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct url_parts {
    bool is_tls;
    struct slice host; /* with brackets when it is an IPv6 address */
    uint64_t port;
};

static bool split(const char *url, size_t len, struct url_parts *out, struct error *err)
{
    struct slice rest, authority;
    const char *end, *colon;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)url[i] <= ' ' || url[i] == 0x7F || url[i] == '\\')
            return error_set(err, ERROR_BAD_INPUT,
                             "the URL holds a blank, a backslash or a control character");
    if (len > 8 && strncasecmp(url, "https://", 8) == 0)
        *out = (struct url_parts){.is_tls = true, .port = 443};
    else if (len > 7 && strncasecmp(url, "http://", 7) == 0)
        *out = (struct url_parts){.port = 80};
    else
        return error_set(err, ERROR_BAD_INPUT, "the URL does not begin with https:// or http://");
    rest = (struct slice){url + (out->is_tls ? 8 : 7), len - (out->is_tls ? 8 : 7)};
    for (end = rest.data; end < url + len && strchr("/?#", *end) == NULL; end++)
        ;
    authority = (struct slice){rest.data, (size_t)(end - rest.data)};
    if (memchr(authority.data, '@', authority.len) != NULL)
        return error_set(err, ERROR_BAD_INPUT, "the URL holds a user name");
    if (!http_host_is_valid(authority))
        return error_set(err, ERROR_BAD_INPUT, "the URL has no valid host");
    out->host = authority;
    colon = authority.data[0] == '[' ? memchr(authority.data, ']', authority.len)
                                     : memchr(authority.data, ':', authority.len);
    if (authority.data[0] == '[')
        colon = colon + 1 < end ? colon + 1 : NULL;
    if (colon != NULL) {
        out->host.len = (size_t)(colon - authority.data);
        if (end - colon > 1 &&
            (!parse_uint64(colon + 1, (size_t)(end - colon - 1), &out->port) || out->port == 0))
            return error_set(err, ERROR_BAD_INPUT, "the URL has no valid port");
    }
    return true;
}

bool url_origin(const char *url, size_t len, char *out, size_t out_size, struct error *err)
{
    struct url_parts parts;
    int written;

    if (!split(url, len, &parts, err))
        return false;
    written = snprintf(out, out_size, "%s://%.*s:%u", parts.is_tls ? "https" : "http",
                       (int)parts.host.len, parts.host.data, (unsigned)parts.port);
    if (written < 0 || (size_t)written >= out_size)
        return error_set(err, ERROR_LIMIT, "the URL's host is too long");
    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
    return true;
}

bool url_is_loopback(const char *url)
{
    struct error ignored = {0};
    struct url_parts parts;
    struct slice rest;

    if (!split(url, strlen(url), &parts, &ignored))
        return false;
    if (slice_equal_nocase(parts.host, "localhost") || slice_equal_text(parts.host, "[::1]"))
        return true;
    rest = parts.host;
    for (int i = 0; i < 4; i++) {
        struct slice part = slice_cut(&rest, '.');
        uint64_t number;

        if (!parse_uint64(part.data, part.len, &number) || number > 255 ||
            (i == 0 && number != 127))
            return false;
    }
    return rest.data == NULL;
}

bool url_is_metadata(const char *url)
{
    struct error ignored = {0};
    struct url_parts parts;

    return split(url, strlen(url), &parts, &ignored) && !parts.is_tls && parts.port == 80 &&
           slice_equal_text(parts.host, "100.100.100.200");
}

void url_for_message(const char *url, char *out, size_t out_size)
{
    size_t len = strcspn(url, "?#");
    const char *host = strstr(url, "://");
    const char *at = host == NULL ? NULL : memchr(host, '@', len - (size_t)(host - url));

    /* Cutting a long URL off is fine: it is for people. */
    if (at != NULL)
        (void)snprintf(out, out_size, "%.*s://%.*s", (int)(host - url), url,
                       (int)(len - (size_t)(at + 1 - url)), at + 1);
    else
        (void)snprintf(out, out_size, "%.*s", (int)len, url);
}

int64_t http_date_read(struct slice value)
{
    struct slice text = slice_trim(value);
    struct tm date = {0};
    char copy[40];
    const char *end;

    if (text.len == 0 || text.len >= sizeof copy)
        return -1;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &date);
    return end == NULL || *end != '\0' ? -1 : (int64_t)timegm(&date);
}

int64_t http_retry_after_ms(struct slice value, int64_t wall_now_s)
{
    struct slice text = slice_trim(value);
    int64_t at_s, wait_s;
    uint64_t seconds;

    if (parse_uint64(text.data, text.len, &seconds))
        return seconds > 86400 ? 86400 * 1000LL : (int64_t)seconds * 1000;
    at_s = http_date_read(text);
    if (at_s < 0)
        return -1;
    wait_s = at_s - wall_now_s;
    return wait_s <= 0 ? 0 : wait_s > 86400 ? 86400 * 1000LL : wait_s * 1000;
}
