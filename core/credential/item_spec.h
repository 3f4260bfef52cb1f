/* What there is to fetch, whoever it is for: a token of one scope, or something the vault gives;
 * private to core/credential. */
#ifndef SESAME_CREDENTIAL_ITEM_SPEC_H
#define SESAME_CREDENTIAL_ITEM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credential_config;
struct error;

enum item_kind { ITEM_TOKEN, ITEM_API_KEY, ITEM_OAUTH_TOKEN, ITEM_JWT };

/* Texts are never NULL; "" where they do not apply. */
struct item_spec {
    enum item_kind kind;
    char *name;      /* of the first credential that uses it; "vault" for AT_p */
    size_t provider; /* tokens: that of a credential_config */
    char *scope;     /* tokens: sorted, without repeats */
    char *audience;
    char *values;
    char *identifier; /* what the vault gives: of the key, or of the provider there */
    char *request_json;
    int64_t cache_ms;
};

struct item_spec *item_spec_new(const struct credential_config *config, struct error *err);

/* A token from a scope text "audience|value ..."; with another provider than 0, plain scopes are
 * fine too. */
struct item_spec *item_spec_new_token(const char *name, size_t provider, const char *scope,
                                      struct error *err);

void item_spec_free(struct item_spec *spec); /* NULL is fine */

/* Whether one fetch serves both; the names do not count. */
bool item_spec_equal(const struct item_spec *a, const struct item_spec *b);

#endif
