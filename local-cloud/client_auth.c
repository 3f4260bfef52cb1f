/* Authenticates the client of a token request by any of the methods of idaas.md section 2. */
#include "local-cloud/client_auth.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/client_assertion.h"
#include "local-cloud/client_federated.h"
#include "local-cloud/cloud.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"
#include "local-cloud/request.h"

#include <stdlib.h>
#include <string.h>

#define ASSERTION_TYPE_JWT "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum { BASIC_MAX_BYTES = 16 * 1024 };

/* One text for an unknown client and a wrong secret: an answer must not tell which it was. */
static const struct realm_client *refuse(struct error *err, const char *why)
{
    oauth_refuse_client(err, "%s", why);
    return NULL;
}

static const struct realm_client *malformed(struct error *err, const char *why)
{
    error_set_named(err, ERROR_BAD_INPUT, "invalid_request", "%s", why);
    return NULL;
}

static const struct realm_client *check_secret(const struct realm *realm, const char *id,
                                               struct slice secret, struct error *err)
{
    const struct realm_client *client = realm_find_client(realm, id);

    if (client == NULL || client->secret == NULL || !secret_text_equal(secret, client->secret))
        return refuse(err, "unknown client or wrong secret");
    return client;
}

/* The vendor's clients send id and secret as they are, without the form encoding of RFC 6749
 * section 2.3.1 (idaas.md section 2.1), so nothing is decoded here but Base64. */
static const struct realm_client *check_basic(const struct realm *realm, struct slice header,
                                              const char *form_id, struct error *err)
{
    CLEANUP(buffer_wipe) struct buffer pair;
    CLEANUP(cleanup_free) char *id = NULL;
    struct slice rest = header;
    struct slice scheme = slice_cut(&rest, ' ');
    struct error ignored = {0};

    buffer_init(&pair, BASIC_MAX_BYTES);
    if (!slice_equal_nocase(scheme, "basic"))
        return malformed(err, "the Authorization scheme is not Basic");
    if (!base64_decode(rest.data, rest.len, &pair, &ignored) || pair.len == 0 ||
        memchr(pair.data, ':', pair.len) == NULL)
        return malformed(err, "the Basic credentials are not Base64 of id:secret");
    rest = (struct slice){pair.data, pair.len};
    id = slice_dup(slice_cut(&rest, ':'));
    if (id == NULL)
        return malformed(err, "the client id holds a NUL character");
    if (form_id != NULL && strcmp(form_id, id) != 0)
        return malformed(err, "client_id differs from the Authorization header");
    return check_secret(realm, id, rest, err);
}

static const struct realm_client *check_form_assertion(struct cloud *cloud,
                                                       const struct request *request,
                                                       const struct params *form, struct error *err)
{
    const char *type = params_get_filled(form, "client_assertion_type");
    const char *assertion = params_get_filled(form, "client_assertion");
    const char *id = params_get_filled(form, "client_id");
    const struct realm_client *client = realm_find_client(&cloud->realm, id);
    bool is_good;

    if (type == NULL || assertion == NULL)
        return malformed(err, "client_assertion and client_assertion_type belong together");
    if (client == NULL)
        return refuse(err, "unknown client or wrong signature of the assertion");
    if (strcmp(type, ASSERTION_TYPE_JWT) == 0)
        is_good = client_assertion_check(cloud, client, assertion, NULL, request->now_s, err);
    else if (client_federated_knows(type))
        is_good = client_federated_check(cloud, client, form, request->now_s, err);
    else
        return refuse(err, "this client_assertion_type is not known");
    return is_good ? client : NULL;
}

const struct realm_client *client_auth_check(struct cloud *cloud, const struct request *request,
                                             const struct params *form, struct error *err)
{
    const char *id = params_get_filled(form, "client_id");
    const char *secret = params_get_filled(form, "client_secret");
    bool has_assertion = params_get(form, "client_assertion") != NULL ||
                         params_get(form, "client_assertion_type") != NULL;
    int methods = (request->authorization_count > 0) + (secret != NULL) + (has_assertion ? 1 : 0);

    /* RFC 6749 section 2.3: no more than one method in a request. */
    if (methods > 1 || request->authorization_count > 1)
        return malformed(err, "more than one way of client authentication in one request");
    if (request->authorization_count == 1)
        return check_basic(&cloud->realm, request->authorization, id, err);
    if (id == NULL)
        return malformed(err, "client_id is missing");
    if (has_assertion)
        return check_form_assertion(cloud, request, form, err);
    if (secret == NULL)
        return refuse(err, "no client authentication was sent");
    return check_secret(&cloud->realm, id, slice_of(secret), err);
}
