/* Scope texts of the form "audience|value audience|value" and what a client is granted. */
#ifndef LOCAL_CLOUD_TOKEN_SCOPE_H
#define LOCAL_CLOUD_TOKEN_SCOPE_H

#include <stdbool.h>

struct error;
struct realm_client;

struct token_scope {
    char *audience;
    char *values; /* bare, separated by one blank, in the order asked for, none twice */
};

/* Reads a scope text (idaas.md section 5): at least one item, each "audience|value", one audience.
 * The error's name is InvalidScope or MultipleAudienceNotSupported. */
bool token_scope_parse(const char *text, struct token_scope *out_scope, struct error *err);
void token_scope_clear(struct token_scope *scope);

/* Checks that `client` is granted every value, and replaces ".all" by all that it is granted for
 * the audience. The error's name is "unauthorized_client" for an audience and "invalid_scope" for a
 * value it may not have. */
bool token_scope_grant(struct token_scope *scope, const struct realm_client *client,
                       struct error *err);

/* True when the blank-separated `values` hold `value`. */
bool token_scope_has(const char *values, const char *value);

#endif
