/* One request as the stand-in's handlers see it, whether it came over a socket or from a test. */
#include "local-cloud/request.h"

#include <stdio.h>
#include <string.h>

bool request_is(const struct request *request, const char *method, const char *path)
{
    return slice_equal_text(request->method, method) && slice_equal_text(request->path, path);
}

struct slice request_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (slice_equal_nocase(request->fields[i].name, name))
            return request->fields[i].value;
    return (struct slice){NULL, 0};
}

bool request_bearer(const struct request *request, struct slice *out_token)
{
    struct slice rest = request->authorization;
    struct slice scheme;

    if (request->authorization_count != 1 || rest.len == 0)
        return false;
    scheme = slice_cut(&rest, ' ');
    if (!slice_equal_nocase(scheme, "bearer") || rest.len == 0)
        return false;
    if (memchr(rest.data, ' ', rest.len) != NULL || memchr(rest.data, ',', rest.len) != NULL)
        return false;
    *out_token = rest;
    return true;
}

static struct slice media_type(struct slice value)
{
    return slice_trim(slice_cut(&value, ';'));
}

bool request_has_content_type(const struct request *request, const char *type)
{
    return slice_equal_nocase(media_type(request_header(request, "content-type")), type);
}

bool request_accepts(const struct request *request, const char *type)
{
    struct slice rest = request_header(request, "accept");
    const char *slash = strchr(type, '/');
    char family[40];

    if (rest.len == 0 || slash == NULL)
        return true;
    /* Cutting is fine: a family that long is not one that anybody accepts. */
    snprintf(family, sizeof family, "%.*s/*", (int)(slash - type), type);
    while (rest.len > 0) {
        struct slice item = media_type(slice_cut(&rest, ','));

        if (slice_equal_nocase(item, type) || slice_equal_text(item, "*/*") ||
            slice_equal_nocase(item, family))
            return true;
    }
    return false;
}

bool request_is_own_form(const struct request *request)
{
    struct slice origin = request_header(request, "origin");
    struct slice host = request_header(request, "host");

    if (origin.len == 0)
        return true; /* not a browser */
    return origin.len > host.len &&
           memcmp(origin.data + origin.len - host.len, host.data, host.len) == 0 &&
           origin.data[origin.len - host.len - 1] == '/';
}
