/* The signed-in user of one turn: his token, as long as the turn and what it fetches need it. */
#include "credential/subject.h"

#include "base/error.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct counted {
    struct subject subject; /* first */
    atomic_size_t references;
};

/* By the name of the user, not by his token, which is another one after the next sign-in. */
static bool make_name(struct subject *subject)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(subject->sub, strlen(subject->sub), digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    hex_encode(digest, 8, subject->name);
    return true;
}

struct subject *subject_new(struct slice token, const char *sub, const char *client_id,
                            const char *actors, int64_t expires_at_s, struct error *err)
{
    struct counted *counted = calloc(1, sizeof *counted);
    struct subject *subject = &counted->subject;

    if (counted == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a user");
        return NULL;
    }
    atomic_init(&counted->references, 1);
    subject->expires_at_s = expires_at_s;
    subject->token = secret_copy(token.data, token.len, err);
    subject->sub = strdup(sub);
    subject->client_id = strdup(client_id);
    subject->actors = strdup(actors);
    if (subject->token != NULL && subject->sub != NULL && subject->client_id != NULL &&
        subject->actors != NULL &&
        EVP_Digest(token.data, token.len, subject->digest, NULL, EVP_sha256(), NULL) == 1 &&
        make_name(subject))
        return subject;
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory for a user");
    subject_free(subject);
    return NULL;
}

struct subject *subject_ref(struct subject *subject)
{
    if (subject != NULL)
        atomic_fetch_add(&((struct counted *)subject)->references, 1);
    return subject;
}

void subject_free(struct subject *subject)
{
    if (subject == NULL || atomic_fetch_sub(&((struct counted *)subject)->references, 1) != 1)
        return;
    secret_free(subject->token);
    free(subject->sub);
    free(subject->client_id);
    free(subject->actors);
    free(subject);
}
