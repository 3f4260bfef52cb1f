/* Authentication tokens of the DeveloperAPI: OAuth tokens, 2-legged and 3-legged, and JWTs. */
#ifndef LOCAL_CLOUD_VAULT_TOKENS_H
#define LOCAL_CLOUD_VAULT_TOKENS_H

#include "local-cloud/token_store.h"

struct json_object;
struct vault_call;

/* The operations by their names (idaas.md section 4); required parameters have been checked. Those
 * of the first group are in vault_oauth.c, of the second in vault_jwt.c. */
void vault_fetch_oauth_token(const struct vault_call *call);
void vault_get_session(const struct vault_call *call);

void vault_generate_jwt(const struct vault_call *call);
void vault_obtain_jwt(const struct vault_call *call);
void vault_obtain_jwt_by_short_token(const struct vault_call *call);

void vault_list_tokens(const struct vault_call *call);
void vault_validate_token(const struct vault_call *call);
void vault_revoke_token(const struct vault_call *call);
void vault_reinstate_token(const struct vault_call *call);
void vault_revoke_by_consumer(const struct vault_call *call);
void vault_reinstate_by_consumer(const struct vault_call *call);
void vault_obtain_role_credential(const struct vault_call *call);

/* The members that all tokens have (section 4.2), with `content` (taken, may be NULL) under its
 * name. The caller owns the result. */
struct json_object *vault_describe(const struct vault_call *call, const struct made_token *token,
                                   const char *content_name, struct json_object *content);

/* 200 with `value`, which is taken, not to be stored by anybody. */
void vault_answer(const struct vault_call *call, struct json_object *value);

/* The named provider if it is of one of two kinds; NULL after a refusal. */
const struct credential_provider *vault_find_provider(const struct vault_call *call,
                                                      enum provider_kind kind,
                                                      enum provider_kind other_kind);

#endif
