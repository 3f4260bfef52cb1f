/* The federated credentials of the agent: whom the identity service trusts to say that something is
 * the agent (idaas.md sections 2.4 to 2.6). */
#include "local-cloud/federation.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "jwt/jwks.h"
#include "local-cloud/certificate.h"
#include "local-cloud/memory.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    struct federated_credential credential;
};

struct federation {
    struct entry *first;
};

struct federation *federation_new(void)
{
    return must_allocate(sizeof(struct federation));
}

static void credential_clear(struct federated_credential *credential)
{
    free(credential->name);
    free(credential->issuer);
    free(credential->audience);
    free(credential->subject);
    jwks_free(credential->keys);
    X509_free(credential->anchor);
}

void federation_free(struct federation *federation)
{
    if (federation == NULL)
        return;
    while (federation->first != NULL) {
        struct entry *entry = federation->first;

        federation->first = entry->next;
        credential_clear(&entry->credential);
        free(entry);
    }
    free(federation);
}

static struct entry *find_entry(const struct federation *federation, const char *name)
{
    struct entry *entry = federation->first;

    while (entry != NULL && strcmp(entry->credential.name, name) != 0)
        entry = entry->next;
    return entry;
}

const struct federated_credential *federation_find(const struct federation *federation,
                                                   const char *name, enum federation_kind kind)
{
    const struct entry *entry = find_entry(federation, name);

    return entry != NULL && entry->credential.kind == kind ? &entry->credential : NULL;
}

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : must_copy(text);
}

void federation_put(struct federation *federation, const struct federated_credential *credential)
{
    struct entry *entry = find_entry(federation, credential->name);
    struct federated_credential copy = {.name = must_copy(credential->name),
                                        .kind = credential->kind,
                                        .issuer = copy_or_null(credential->issuer),
                                        .audience = copy_or_null(credential->audience),
                                        .subject = copy_or_null(credential->subject)};

    if (credential->keys != NULL)
        copy.keys = jwks_ref(credential->keys);
    if (credential->anchor != NULL && X509_up_ref(credential->anchor) == 1)
        copy.anchor = credential->anchor;
    if (entry == NULL) {
        entry = must_allocate(sizeof *entry);
        entry->next = federation->first;
        federation->first = entry;
    } else {
        credential_clear(&entry->credential);
    }
    entry->credential = copy;
}

static bool read_kind(const char *text, enum federation_kind *out_kind)
{
    static const char *const names[] = {
        [FEDERATION_OIDC] = "oidc", [FEDERATION_PKCS7] = "pkcs7", [FEDERATION_X509] = "x509"};

    for (int i = 0; text != NULL && i < 3; i++)
        if (strcmp(names[i], text) == 0) {
            *out_kind = (enum federation_kind)i;
            return true;
        }
    return false;
}

static bool read_trust(struct json_object *body, struct federated_credential *credential,
                       struct error *err)
{
    struct json_object *keys = json_get_object(body, "jwks");
    const char *pem = json_get_string(body, "certificate", NULL);
    const char *text;

    if (credential->kind == FEDERATION_OIDC) {
        if (keys == NULL || credential->issuer == NULL)
            return error_set(err, ERROR_BAD_INPUT, "kind oidc needs members issuer and jwks");
        text = json_object_to_json_string_ext(keys, JSON_C_TO_STRING_PLAIN);
        credential->keys = jwks_parse(text, strlen(text), err);
        return credential->keys != NULL;
    }
    credential->anchor = pem == NULL ? NULL : certificate_read(pem);
    if (credential->anchor == NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "kinds pkcs7 and x509 need a member certificate with PEM");
    return true;
}

bool federation_put_json(struct federation *federation, struct json_object *body, struct error *err)
{
    struct federated_credential credential = {
        .name = copy_or_null(json_get_string(body, "name", NULL)),
        .issuer = copy_or_null(json_get_string(body, "issuer", NULL)),
        .audience = copy_or_null(json_get_string(body, "audience", NULL)),
        .subject = copy_or_null(json_get_string(body, "subject", NULL)),
    };
    bool is_good;

    if (credential.name == NULL ||
        !read_kind(json_get_string(body, "kind", NULL), &credential.kind))
        is_good = error_set(err, ERROR_BAD_INPUT,
                            "members name and kind (oidc, pkcs7 or x509) are needed");
    else
        is_good = read_trust(body, &credential, err);
    if (is_good)
        federation_put(federation, &credential);
    credential_clear(&credential);
    return is_good;
}
