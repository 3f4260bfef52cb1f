/* Scope texts of the form "audience|value audience|value" and what a client is granted. */
#include "local-cloud/token_scope.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "local-cloud/memory.h"
#include "local-cloud/realm.h"

#include <string.h>

enum { SCOPE_MAX_BYTES = 4096 };

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* The next item, or an empty slice at the end. */
static struct slice next_item(const char **at)
{
    const char *start = *at;

    while (is_white(*start))
        start++;
    *at = start;
    while (**at != '\0' && !is_white(**at))
        (*at)++;
    return (struct slice){start, (size_t)(*at - start)};
}

bool token_scope_has(const char *values, const char *value)
{
    for (struct slice item = next_item(&values); item.len > 0; item = next_item(&values))
        if (slice_equal_text(item, value))
            return true;
    return false;
}

static bool add_value(struct buffer *values, struct slice value, struct error *err)
{
    CLEANUP(cleanup_free) char *text = must_copy_bytes(value.data, value.len);

    if (values->len > 0 && token_scope_has(values->data, text))
        return true;
    if (values->len > 0 && !buffer_add_char(values, ' ', err))
        return false;
    return buffer_add(values, value.data, value.len, err);
}

static bool split_item(struct slice item, struct slice *out_audience, struct slice *out_value,
                       struct error *err)
{
    struct slice rest = item;
    struct slice audience = slice_cut(&rest, '|');

    if (audience.len == 0 || rest.len == 0 || memchr(rest.data, '|', rest.len) != NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope",
                               "scope item \"%.*s\" is not of the form audience|value",
                               (int)(item.len < 80 ? item.len : 80), item.data);
    *out_audience = audience;
    *out_value = rest;
    return true;
}

bool token_scope_parse(const char *text, struct token_scope *out_scope, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer values;
    struct slice first = {NULL, 0};

    buffer_init(&values, SCOPE_MAX_BYTES);
    for (struct slice item = next_item(&text); item.len > 0; item = next_item(&text)) {
        struct slice audience = {NULL, 0}, value = {NULL, 0};

        if (!split_item(item, &audience, &value, err))
            return false;
        if (first.len > 0 && !slice_equal(first, audience))
            return error_set_named(err, ERROR_BAD_INPUT, "MultipleAudienceNotSupported",
                                   "the scope names more than one audience");
        first = audience;
        if (!add_value(&values, value, err))
            return false;
    }
    if (first.len == 0)
        return error_set_named(err, ERROR_BAD_INPUT, "InvalidScope", "the scope is empty");
    out_scope->audience = must_copy_bytes(first.data, first.len);
    out_scope->values = must_copy(values.data);
    return true;
}

void token_scope_clear(struct token_scope *scope)
{
    free(scope->audience);
    free(scope->values);
    scope->audience = NULL;
    scope->values = NULL;
}

static const struct realm_grant *find_grant(const struct realm_client *client, const char *audience)
{
    for (size_t i = 0; i < client->grant_count; i++)
        if (strcmp(client->grants[i].audience, audience) == 0)
            return &client->grants[i];
    return NULL;
}

bool token_scope_grant(struct token_scope *scope, const struct realm_client *client,
                       struct error *err)
{
    const struct realm_grant *grant = find_grant(client, scope->audience);
    const char *rest = scope->values;

    if (grant == NULL)
        return error_set_named(err, ERROR_DENIED, "unauthorized_client",
                               "the client is not authorised for the audience %.80s",
                               scope->audience);
    if (token_scope_has(scope->values, ".all")) {
        replace_text(&scope->values, grant->values);
        return true;
    }
    for (struct slice item = next_item(&rest); item.len > 0; item = next_item(&rest)) {
        CLEANUP(cleanup_free) char *value = must_copy_bytes(item.data, item.len);

        if (!token_scope_has(grant->values, value))
            return error_set_named(err, ERROR_DENIED, "invalid_scope",
                                   "the client is not granted the scope %.80s", value);
    }
    return true;
}
