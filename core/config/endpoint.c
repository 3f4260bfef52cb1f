/* URL splitting, endpoint normalisation and scope checks. */
#include "config/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"

static bool has_bad_byte(const char *url)
{
    for (const char *at = url; *at != '\0'; at++) {
        if ((unsigned char)*at <= 0x20 || *at == 0x7f || *at == '\\')
            return true;
    }
    return false;
}

/* Cuts query and credentials-like parts so that an error can show the rest. */
static int shown_len(const char *url)
{
    size_t len = strcspn(url, "?#");
    const char *at = memchr(url, '@', len);

    if (at != NULL)
        len = 0;
    return len > 120 ? 120 : (int)len;
}

static bool fault(const char *url, const char *text, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, "\"%.*s\" %s", shown_len(url), url, text);
}

static bool split_authority(const char *url, struct slice authority, struct url_parts *parts,
                            struct error *err)
{
    struct slice port = {0};
    int64_t number = parts->is_https ? 443 : 80;

    if (authority.len > 0 && memchr(authority.data, '@', authority.len) != NULL)
        return fault(url, "holds a user name or password, which does not belong there", err);
    if (authority.len > 0 && authority.data[0] == '[') {
        struct slice rest = {authority.data + 1, authority.len - 1};

        parts->host = slice_cut(&rest, ']');
        if (rest.data == NULL || (rest.len > 0 && rest.data[0] != ':'))
            return fault(url, "has a malformed IPv6 address", err);
        if (rest.len > 0)
            port = (struct slice){rest.data + 1, rest.len - 1};
        authority.len = 0;
        authority.data = rest.len > 0 ? rest.data : NULL;
    } else {
        parts->host = slice_cut(&authority, ':');
        port = authority;
    }
    if (parts->host.len == 0)
        return fault(url, "has no host", err);
    if ((port.data != NULL || authority.data != NULL) &&
        (!parse_int64(port.data == NULL ? "" : port.data, port.len, &number) || number < 1 ||
         number > 65535))
        return fault(url, "has a bad port", err);
    parts->port = (int)number;
    return true;
}

bool url_split(const char *url, struct url_parts *out_parts, struct error *err)
{
    const char *authority;
    size_t len;

    memset(out_parts, 0, sizeof *out_parts);
    if (has_bad_byte(url))
        return fault(url, "holds a blank, backslash or control character", err);
    if (strncasecmp(url, "https://", 8) == 0)
        out_parts->is_https = true;
    else if (strncasecmp(url, "http://", 7) != 0)
        return fault(url, "is not an absolute http or https URL", err);
    if (strchr(url, '#') != NULL)
        return fault(url, "holds a fragment", err);
    authority = url + (out_parts->is_https ? 8 : 7);
    len = strcspn(authority, "/?");
    out_parts->path = slice_of(authority + len);
    return split_authority(url, (struct slice){authority, len}, out_parts, err);
}

bool host_is_loopback(struct slice host)
{
    static const char suffix[] = ".localhost";
    struct in_addr v4;
    struct in6_addr v6;
    char text[64];

    if (slice_equal_nocase(host, "localhost"))
        return true;
    if (host.len > sizeof suffix - 1 &&
        strncasecmp(host.data + host.len - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0)
        return true;
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* The text behind an http or https scheme, or all of it when there is no scheme. */
static bool skip_scheme(struct slice text, struct slice *out_rest, bool *out_is_http,
                        struct error *err)
{
    struct slice rest = text;

    *out_is_http = false;
    if (text.len >= 8 && strncasecmp(text.data, "https://", 8) == 0) {
        rest = (struct slice){text.data + 8, text.len - 8};
    } else if (text.len >= 7 && strncasecmp(text.data, "http://", 7) == 0) {
        rest = (struct slice){text.data + 7, text.len - 7};
        *out_is_http = true;
    } else if (memmem(text.data, text.len, "://", 3) != NULL) {
        return error_set(err, ERROR_BAD_INPUT, "has a scheme other than https");
    } else if (text.len >= 2 && memcmp(text.data, "//", 2) == 0) {
        return error_set(err, ERROR_BAD_INPUT, "starts with // but names no scheme");
    }
    *out_rest = rest;
    return true;
}

char *endpoint_normalise(const char *text, bool allow_loopback_http, struct error *err)
{
    struct slice whole = slice_trim(slice_of(text));
    CLEANUP(cleanup_free) char *url = NULL;
    struct slice rest = {0};
    struct url_parts parts;
    bool is_http = false;

    if (whole.len == 0) {
        error_set(err, ERROR_BAD_INPUT, "is empty");
        return NULL;
    }
    if (!skip_scheme(whole, &rest, &is_http, err))
        return NULL;
    while (rest.len > 0 && rest.data[rest.len - 1] == '/')
        rest.len--;
    if (rest.len > 2000) {
        error_set(err, ERROR_BAD_INPUT, "is longer than 2000 bytes");
        return NULL;
    }
    if (asprintf(&url, "http%s%.*s", is_http ? "://" : "s://", (int)rest.len, rest.data) < 0) {
        url = NULL;
        error_set(err, ERROR_NO_MEMORY, "no memory for a URL");
        return NULL;
    }
    if (!url_split(url, &parts, err))
        return NULL;
    if (is_http && !(allow_loopback_http && host_is_loopback(parts.host))) {
        char *secure = NULL;

        if (asprintf(&secure, "https%s", url + 4) < 0) {
            error_set(err, ERROR_NO_MEMORY, "no memory for a URL");
            return NULL;
        }
        return secure;
    }
    return TAKE(url);
}

bool scope_next(struct slice *rest, struct slice *out_item)
{
    size_t start = 0, end;

    while (start < rest->len && strchr(" \t\r\n\v\f", rest->data[start]) != NULL &&
           rest->data[start] != '\0')
        start++;
    for (end = start; end < rest->len; end++) {
        if (rest->data[end] != '\0' && strchr(" \t\r\n\v\f", rest->data[end]) != NULL)
            break;
    }
    *out_item = (struct slice){rest->data + start, end - start};
    *rest = (struct slice){rest->data + end, rest->len - end};
    return out_item->len > 0;
}

static bool check_items(const char *scope, bool may_lack_value, struct slice *out_audience,
                        struct error *err)
{
    struct slice rest = slice_of(scope), item, first = {0};

    if (rest.len == 0)
        return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope",
                               "\"\" is not of the form audience|scope.");
    while (scope_next(&rest, &item)) {
        struct slice value = item;
        struct slice audience = slice_cut(&value, '|');

        if (audience.len == 0 || value.data == NULL || (value.len == 0 && !may_lack_value) ||
            (value.len > 0 && memchr(value.data, '|', value.len) != NULL))
            return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope",
                                   "\"%.*s\" is not of the form audience|scope.",
                                   item.len > 100 ? 100 : (int)item.len, item.data);
        if (first.data != NULL && !slice_equal(first, audience))
            return error_set_named(err, ERROR_BAD_INPUT, "MultipleAudienceNotSupported",
                                   "Only one audience is allowed per scope setting.");
        first = audience;
    }
    if (first.data == NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope",
                               "\"%.20s\" is not of the form audience|scope.", scope);
    if (out_audience != NULL)
        *out_audience = first;
    return true;
}

bool scope_check(const char *scope, struct slice *out_audience, struct error *err)
{
    return check_items(scope, false, out_audience, err);
}

bool scope_check_oauth(const char *scope, struct slice *out_audience, struct error *err)
{
    if (strchr(scope, '|') != NULL)
        return check_items(scope, true, out_audience, err);
    if (slice_trim(slice_of(scope)).len == 0)
        return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope", "The scope is empty.");
    if (out_audience != NULL)
        *out_audience = (struct slice){"", 0};
    return true;
}
