/* The fields of a form or a query string. */
#include "local-cloud/params.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIELD_MAX_BYTES = 1 << 20 };

static bool decode(struct slice text, char **out_text, struct error *err)
{
    CLEANUP(buffer_wipe) struct buffer bytes;

    buffer_init(&bytes, FIELD_MAX_BYTES);
    if (text.len > 0 && !percent_decode(text.data, text.len, true, &bytes, err))
        return false;
    if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL)
        return error_set(err, ERROR_BAD_INPUT, "a field holds a NUL character");
    if (bytes.len > 0 && !utf8_is_valid(bytes.data, bytes.len))
        return error_set(err, ERROR_BAD_INPUT, "a field is not UTF-8");
    *out_text = must_copy_bytes(bytes.data, bytes.len);
    return true;
}

static bool add_field(struct params *params, struct slice field, struct error *err)
{
    struct slice rest = field;
    struct slice name = slice_cut(&rest, '=');
    struct param param = {NULL, NULL};

    if (!decode(name, &param.name, err))
        return false;
    if (params_get(params, param.name) != NULL) {
        error_set(err, ERROR_BAD_INPUT, "the parameter %.60s comes twice", param.name);
        free(param.name);
        return false;
    }
    if (!decode(rest, &param.value, err)) {
        free(param.name);
        return false;
    }
    params->list = must_grow(params->list, params->count, sizeof *params->list);
    params->list[params->count++] = param;
    return true;
}

bool params_parse(struct slice text, struct params *out_params, struct error *err)
{
    struct params params = {NULL, 0};

    while (text.len > 0) {
        struct slice field = slice_cut(&text, '&');

        if (field.len > 0 && !add_field(&params, field, err)) {
            params_clear(&params);
            return false;
        }
    }
    *out_params = params;
    return true;
}

void params_clear(struct params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        free(params->list[i].name);
        /* A field may be a client secret or a token. */
        explicit_bzero(params->list[i].value, strlen(params->list[i].value));
        free(params->list[i].value);
    }
    free(params->list);
    params->list = NULL;
    params->count = 0;
}

const char *params_get(const struct params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->list[i].name, name) == 0)
            return params->list[i].value;
    return NULL;
}

const char *params_get_filled(const struct params *params, const char *name)
{
    const char *value = params_get(params, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool params_join(struct params *params, struct params *more, struct error *err)
{
    for (size_t i = 0; i < more->count; i++)
        if (params_get(params, more->list[i].name) != NULL)
            return error_set(err, ERROR_BAD_INPUT, "the parameter %.60s comes twice",
                             more->list[i].name);
    for (size_t i = 0; i < more->count; i++) {
        params->list = must_grow(params->list, params->count, sizeof *params->list);
        params->list[params->count++] = more->list[i];
    }
    free(more->list);
    more->list = NULL;
    more->count = 0;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct param *left = a, *right = b;

    return strcmp(left->name, right->name);
}

bool params_add_canonical(const struct params *params, struct buffer *out, struct error *err)
{
    struct param *sorted = must_allocate((params->count + 1) * sizeof *sorted);
    bool is_added = true;

    if (params->count > 0)
        memcpy(sorted, params->list, params->count * sizeof *sorted);
    qsort(sorted, params->count, sizeof *sorted, compare_names);
    for (size_t i = 0; is_added && i < params->count; i++)
        is_added = (i == 0 || buffer_add_char(out, '&', err)) &&
                   percent_encode(sorted[i].name, strlen(sorted[i].name), out, err) &&
                   buffer_add_char(out, '=', err) &&
                   percent_encode(sorted[i].value, strlen(sorted[i].value), out, err);
    free(sorted);
    return is_added;
}
