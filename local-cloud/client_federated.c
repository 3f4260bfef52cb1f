/* Authentication of a client by a federated credential: OIDC token, attested document, X.509. */
#include "local-cloud/client_federated.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/attested_document.h"
#include "local-cloud/certificate.h"
#include "local-cloud/client_assertion.h"
#include "local-cloud/cloud.h"
#include "local-cloud/federation.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"

#include <openssl/x509.h>
#include <string.h>

enum {
    CLOCK_TOLERANCE_S = 60,
    /* The vendor's SDK goes on using a document for up to 70 minutes (idaas.md section 2.4). */
    DOCUMENT_AGE_MAX_S = 2 * 3600,
};

DEFINE_CLEANUP(cleanup_certificate, X509, X509_free)

static bool is_or_open(const char *expected, const char *found)
{
    return expected == NULL || (found != NULL && strcmp(expected, found) == 0);
}

/* ---- OIDC: a service-account token of a cluster, used until it expires
 * -------------------------*/

static bool check_oidc(const struct federated_credential *trust, const char *token, int64_t now_s,
                       struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    struct error fault = {0};
    int64_t not_before_s;

    if (!issued_token_open_by_keys(trust->keys, slice_of(token), now_s, &claims, &fault))
        return oauth_refuse_client(err, "%s", fault.message);
    if (!is_or_open(trust->issuer, json_get_string(claims, "iss", NULL)))
        return oauth_refuse_client(err, "the token's issuer is not that of the credential");
    if (trust->audience != NULL && !issued_token_is_for(claims, trust->audience))
        return oauth_refuse_client(err, "the token's audience is not that of the credential");
    if (!is_or_open(trust->subject, json_get_string(claims, "sub", NULL)))
        return oauth_refuse_client(err, "the token's subject is not that of the credential");
    if (json_get_int64(claims, "nbf", &not_before_s) && now_s + CLOCK_TOLERANCE_S < not_before_s)
        return oauth_refuse_client(err, "the token is not valid yet");
    return true;
}

/* ---- PKCS#7: an attested document of a machine
 * -------------------------------------------------*/

/* The document carries what the machine was asked to say as text: {"aud":...,"signingTime":...}. */
static struct json_object *read_audience(struct json_object *content)
{
    size_t len = 0;
    const char *text = json_get_string(content, "audience", &len);
    struct error ignored = {0};
    struct json_object *value =
        text == NULL ? NULL : json_parse(text, len, JSON_DEPTH_DEFAULT, &ignored);

    if (value == NULL || json_object_is_type(value, json_type_object))
        return value;
    json_object_put(value);
    return NULL;
}

static bool check_pkcs7(const struct cloud *cloud, const struct federated_credential *trust,
                        const char *document, int64_t now_s, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *content = NULL;
    CLEANUP(json_cleanup) struct json_object *audience = NULL;
    struct error fault = {0};
    int64_t signed_at_s;

    if (!attested_document_open(document, trust->anchor, &content, &fault))
        return oauth_refuse_client(err, "%s", fault.message);
    audience = read_audience(content);
    if (audience == NULL ||
        !is_or_open(cloud->realm.instance_id, json_get_string(audience, "aud", NULL)))
        return oauth_refuse_client(err, "the document was not made for this instance");
    if (!json_get_int64(audience, "signingTime", &signed_at_s) ||
        signed_at_s > now_s + CLOCK_TOLERANCE_S)
        return oauth_refuse_client(err, "the document has no usable signingTime");
    if (now_s - signed_at_s > DOCUMENT_AGE_MAX_S)
        return oauth_refuse_client(err, "the document is too old");
    if (!is_or_open(trust->issuer, json_get_string(content, "owner-account-id", NULL)) ||
        !is_or_open(trust->subject, json_get_string(content, "instance-id", NULL)))
        return oauth_refuse_client(err, "the document is of another machine");
    return true;
}

/* ---- X.509: an assertion by the key of a certificate
 * -------------------------------------------*/

static bool check_x509(struct cloud *cloud, const struct realm_client *client,
                       const struct federated_credential *trust, const struct params *form,
                       int64_t now_s, struct error *err)
{
    const char *leaf_pem = params_get_filled(form, "client_x509");
    const char *chain_pem = params_get_filled(form, "client_x509_chain");
    CLEANUP(cleanup_certificate) X509 *leaf = NULL;
    CLEANUP(cleanup_free) char *name = NULL;
    struct error fault = {0};

    if (leaf_pem == NULL || chain_pem == NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request",
                               "client_x509 and client_x509_chain are needed");
    leaf = certificate_check_chain(leaf_pem, chain_pem, trust->anchor, now_s, &fault);
    if (leaf == NULL)
        return oauth_refuse_client(err, "%s", fault.message);
    name = certificate_common_name(leaf);
    if (!is_or_open(trust->subject, name))
        return oauth_refuse_client(err, "the certificate's name is not that of the credential");
    return client_assertion_check(cloud, client, params_get(form, "client_assertion"),
                                  X509_get0_pubkey(leaf), now_s, err);
}

/* ---- which of them
 * -----------------------------------------------------------------------------*/

static const struct {
    const char *type;
    enum federation_kind kind;
} types[] = {
    {ASSERTION_TYPE_OIDC, FEDERATION_OIDC},
    {ASSERTION_TYPE_PKCS7, FEDERATION_PKCS7},
    {ASSERTION_TYPE_X509, FEDERATION_X509},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static size_t find_type(const char *type)
{
    size_t i = 0;

    while (i < TYPE_COUNT && strcmp(types[i].type, type) != 0)
        i++;
    return i;
}

bool client_federated_knows(const char *assertion_type)
{
    return find_type(assertion_type) < TYPE_COUNT;
}

bool client_federated_check(struct cloud *cloud, const struct realm_client *client,
                            const struct params *form, int64_t now_s, struct error *err)
{
    const char *name = params_get_filled(form, "application_federated_credential_name");
    const char *assertion = params_get(form, "client_assertion");
    enum federation_kind kind = types[find_type(params_get(form, "client_assertion_type"))].kind;
    const struct federated_credential *trust;

    if (name == NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request",
                               "application_federated_credential_name is missing");
    /* Only the agent has federated credentials. */
    trust = client == &cloud->realm.agent ? federation_find(cloud->federation, name, kind) : NULL;
    if (trust == NULL)
        return oauth_refuse_client(err, "unknown client or federated credential");
    switch (kind) {
    case FEDERATION_OIDC:
        return check_oidc(trust, assertion, now_s, err);
    case FEDERATION_PKCS7:
        return check_pkcs7(cloud, trust, assertion, now_s, err);
    case FEDERATION_X509:
    default:
        return check_x509(cloud, client, trust, form, now_s, err);
    }
}
