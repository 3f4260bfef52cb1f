/* What there is to fetch, whoever it is for: a token of one scope, or one API key. */
#include "credential/item_spec.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "config/endpoint.h"
#include "config/host_config.h"

#include <stdlib.h>
#include <string.h>

#define SCOPE_MAX_COUNT 64

static int compare_slices(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->data, right->data, shorter);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* Sorted and without repeats, so that two spellings of one scope are one token. */
static bool normalise_scope(struct item_spec *spec, const char *scope,
                            bool (*check)(const char *scope, struct slice *out_audience,
                                          struct error *err),
                            struct error *err)
{
    struct slice items[SCOPE_MAX_COUNT], rest = slice_of(scope), audience, one;
    struct buffer text, values;
    size_t count = 0, before_value;
    bool ok = check(scope, &audience, err);

    if (!ok)
        return false;
    before_value = audience.len == 0 ? 0 : audience.len + 1; /* with the bar */
    while (count < SCOPE_MAX_COUNT && scope_next(&rest, &one))
        items[count++] = one;
    qsort(items, count, sizeof items[0], compare_slices);
    buffer_init(&text, 8192);
    buffer_init(&values, 8192);
    for (size_t i = 0; ok && i < count; i++) {
        if (i > 0 && compare_slices(&items[i], &items[i - 1]) == 0)
            continue;
        ok = (text.len == 0 || buffer_add_char(&text, ' ', err)) &&
             (values.len == 0 || buffer_add_char(&values, ' ', err)) &&
             buffer_add(&text, items[i].data, items[i].len, err) &&
             buffer_add(&values, items[i].data + before_value, items[i].len - before_value, err);
    }
    if (ok) {
        spec->audience = slice_dup(audience);
        spec->scope = buffer_take(&text, NULL);
        spec->values = buffer_take(&values, NULL);
        if (spec->audience == NULL || spec->scope == NULL || spec->values == NULL)
            ok = error_set(err, ERROR_NO_MEMORY, "no memory for a scope");
    }
    buffer_clear(&text);
    buffer_clear(&values);
    return ok;
}

static struct item_spec *new_spec(enum item_kind kind, const char *name, const char *identifier,
                                  struct error *err)
{
    struct item_spec *spec = calloc(1, sizeof *spec);

    if (spec != NULL) {
        spec->kind = kind;
        spec->name = strdup(name);
        spec->identifier = strdup(identifier);
        if (spec->name != NULL && spec->identifier != NULL)
            return spec;
    }
    item_spec_free(spec);
    error_set(err, ERROR_NO_MEMORY, "no memory for the credential %s", name);
    return NULL;
}

struct item_spec *item_spec_new_token(const char *name, size_t provider, const char *scope,
                                      struct error *err)
{
    struct item_spec *spec = new_spec(ITEM_TOKEN, name, "", err);

    if (spec == NULL)
        return NULL;
    spec->provider = provider;
    if (normalise_scope(spec, scope, provider == 0 ? scope_check : scope_check_oauth, err))
        return spec;
    item_spec_free(spec);
    return NULL;
}

static struct item_spec *new_from_vault(const struct credential_config *config, struct error *err)
{
    static const enum item_kind kinds[] = {[CREDENTIAL_API_KEY] = ITEM_API_KEY,
                                           [CREDENTIAL_OAUTH_TOKEN] = ITEM_OAUTH_TOKEN,
                                           [CREDENTIAL_JWT] = ITEM_JWT};
    struct item_spec *spec = new_spec(kinds[config->kind], config->name, config->identifier, err);

    if (spec == NULL)
        return NULL;
    spec->cache_ms = config->cache_s * 1000;
    spec->scope = strdup(config->scope);
    spec->audience = strdup("");
    spec->values = strdup("");
    spec->request_json = strdup(config->request_json == NULL ? "{}" : config->request_json);
    if (spec->request_json != NULL && spec->scope != NULL && spec->audience != NULL &&
        spec->values != NULL)
        return spec;
    error_set(err, ERROR_NO_MEMORY, "no memory for the credential %s", config->name);
    item_spec_free(spec);
    return NULL;
}

struct item_spec *item_spec_new(const struct credential_config *config, struct error *err)
{
    return config->kind == CREDENTIAL_ACCESS_TOKEN
               ? item_spec_new_token(config->name, config->provider, config->scope, err)
               : new_from_vault(config, err);
}

void item_spec_free(struct item_spec *spec)
{
    if (spec == NULL)
        return;
    free(spec->name);
    free(spec->scope);
    free(spec->audience);
    free(spec->values);
    free(spec->identifier);
    free(spec->request_json);
    free(spec);
}

bool item_spec_equal(const struct item_spec *a, const struct item_spec *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == ITEM_TOKEN
               ? a->provider == b->provider && strcmp(a->scope, b->scope) == 0
               : strcmp(a->identifier, b->identifier) == 0 && strcmp(a->scope, b->scope) == 0 &&
                     strcmp(a->request_json, b->request_json) == 0 && a->cache_ms == b->cache_ms;
}
