/* What the DeveloperAPI keeps: credential providers, the tokens they made, and the sessions in
 * which a user consents (idaas.md section 4.2). */
#include "local-cloud/token_store.h"

#include "base/clock.h"
#include "local-cloud/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX_COUNT = 1024, SESSION_MAX_COUNT = 256, ID_HEX_DIGITS = 20 };

static const struct credential_provider providers[] = {
    {"atp_local0oauth0machine0001", "oauth_machine", "Sample warehouse", PROVIDER_OAUTH_MACHINE},
    {"atp_local0oauth0user0002", "oauth_user", "Sample calendar", PROVIDER_OAUTH_USER},
    {"atp_local0jwt0003", "jwt", "Sample partner", PROVIDER_JWT},
};

struct token_store {
    struct made_token *tokens[TOKEN_MAX_COUNT]; /* newest first */
    size_t token_count;
    struct consent_session *sessions[SESSION_MAX_COUNT]; /* newest first */
    size_t session_count;
};

static void token_free(struct made_token *token)
{
    explicit_bzero(token->value, strlen(token->value));
    free(token->value);
    free(token->id);
    free(token->consumer_id);
    free(token->creator_id);
    free(token->short_token);
    free(token->scope);
    free(token);
}

static void session_free(struct consent_session *session)
{
    free(session->id);
    free(session->uri);
    free(session->consumer_id);
    free(session->scope);
    free(session);
}

struct token_store *token_store_new(void)
{
    return must_allocate(sizeof(struct token_store));
}

void token_store_reset(struct token_store *store)
{
    while (store->token_count > 0)
        token_free(store->tokens[--store->token_count]);
    while (store->session_count > 0)
        session_free(store->sessions[--store->session_count]);
}

void token_store_free(struct token_store *store)
{
    if (store == NULL)
        return;
    token_store_reset(store);
    free(store);
}

const struct credential_provider *credential_provider_find(const char *identifier)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (strcmp(providers[i].identifier, identifier) == 0)
            return &providers[i];
    return NULL;
}

/* ---- tokens ----------------------------------------------------------------------------------*/

struct made_token *token_store_add(struct token_store *store, const struct token_spec *spec)
{
    struct made_token *added = must_allocate(sizeof *added);
    char digits[ID_HEX_DIGITS + 1];

    added->provider = spec->provider;
    added->is_machine = spec->is_machine;
    added->created_at_s = spec->created_at_s;
    added->expires_at_s = spec->expires_at_s;
    random_hex(digits, ID_HEX_DIGITS);
    added->id = must_format("atntkn_%s", digits);
    added->consumer_id = must_copy(spec->consumer_id);
    added->creator_id = must_copy(spec->creator_id);
    added->value = must_copy(spec->value);
    added->short_token = spec->short_token == NULL ? NULL : must_copy(spec->short_token);
    added->scope = must_copy(spec->scope == NULL ? "" : spec->scope);
    if (store->token_count == TOKEN_MAX_COUNT)
        token_free(store->tokens[--store->token_count]);
    memmove(&store->tokens[1], &store->tokens[0], store->token_count * sizeof store->tokens[0]);
    store->tokens[0] = added;
    store->token_count++;
    return added;
}

bool made_token_is_good(const struct made_token *token, int64_t now_s)
{
    return !token->is_revoked && now_s < token->expires_at_s;
}

static bool is_or_any(const char *wanted, const char *found)
{
    return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

struct made_token *token_store_next(struct token_store *store, const struct token_query *query,
                                    size_t *position)
{
    while (*position < store->token_count) {
        struct made_token *token = store->tokens[(*position)++];

        if ((query->provider == NULL || query->provider == token->provider) &&
            is_or_any(query->consumer_id, token->consumer_id) && is_or_any(query->id, token->id) &&
            is_or_any(query->value, token->value) &&
            is_or_any(query->short_token, token->short_token) &&
            is_or_any(query->scope, token->scope))
            return token;
    }
    return NULL;
}

/* ---- sessions --------------------------------------------------------------------------------*/

struct consent_session *token_store_ask(struct token_store *store,
                                        const struct credential_provider *provider,
                                        const char *consumer_id, const char *scope,
                                        int64_t expires_at_s)
{
    struct consent_session *session = must_allocate(sizeof *session);
    char digits[2 * ID_HEX_DIGITS + 1];

    /* The id is what lets a browser in: nobody can guess it. */
    random_hex(digits, sizeof digits - 1);
    session->id = must_format("oas_%s", digits);
    session->uri = must_format("urn:cloud:idaas:oauth-authorization-session:%s", session->id);
    session->provider = provider;
    session->consumer_id = must_copy(consumer_id);
    session->scope = must_copy(scope);
    session->expires_at_s = expires_at_s;
    if (store->session_count == SESSION_MAX_COUNT)
        session_free(store->sessions[--store->session_count]);
    memmove(&store->sessions[1], &store->sessions[0],
            store->session_count * sizeof store->sessions[0]);
    store->sessions[0] = session;
    store->session_count++;
    return session;
}

struct consent_session *token_store_session(struct token_store *store, const char *id_or_uri,
                                            int64_t now_s)
{
    for (size_t i = 0; i < store->session_count; i++) {
        struct consent_session *session = store->sessions[i];

        if (strcmp(session->id, id_or_uri) != 0 && strcmp(session->uri, id_or_uri) != 0)
            continue;
        if (session->status == SESSION_PENDING && now_s >= session->expires_at_s)
            session->status = SESSION_EXPIRED;
        return session;
    }
    return NULL;
}

bool token_store_has_consent(struct token_store *store, const struct credential_provider *provider,
                             const char *consumer_id, const char *scope)
{
    for (size_t i = 0; i < store->session_count; i++) {
        const struct consent_session *session = store->sessions[i];

        if (session->provider == provider && strcmp(session->consumer_id, consumer_id) == 0 &&
            strcmp(session->scope, scope) == 0)
            return session->status == SESSION_COMPLETED;
    }
    return false;
}
