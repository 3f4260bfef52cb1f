/* What an access token is bound to: keys that are shared by all copies of the token. */
#include "credential/token_binding.h"

#include "base/error.h"
#include "base/secret.h"
#include "jwt/key.h"

#include <stdatomic.h>
#include <stdlib.h>

struct counted_binding {
    struct token_binding base; /* first: a binding is a pointer to this */
    atomic_size_t references;
};

struct token_binding *token_binding_new(struct signing_key *proof_key,
                                        struct secret *client_certificate,
                                        struct signing_key *client_key, struct error *err)
{
    struct counted_binding *binding = calloc(1, sizeof *binding);

    if (binding == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a token");
        return NULL;
    }
    atomic_init(&binding->references, 1);
    binding->base.proof_key = signing_key_ref(proof_key);
    binding->base.client_certificate = secret_share(client_certificate);
    binding->base.client_key = signing_key_ref(client_key);
    return &binding->base;
}

struct token_binding *token_binding_ref(struct token_binding *binding)
{
    if (binding != NULL)
        atomic_fetch_add(&((struct counted_binding *)binding)->references, 1);
    return binding;
}

void token_binding_free(struct token_binding *binding)
{
    struct counted_binding *counted = (struct counted_binding *)binding;

    if (binding == NULL || atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    signing_key_free(binding->proof_key);
    secret_free(binding->client_certificate);
    signing_key_free(binding->client_key);
    free(counted);
}
