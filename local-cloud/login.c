/* Sign-in by the implicit flow (RFC 6749 section 4.2, idaas.md section 8.2) and sign-out. */
#include "local-cloud/login.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/login_pages.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/token_scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAGMENT_MAX_BYTES = 64 * 1024 };

static void refuse_on_page(struct reply *reply, const char *text)
{
    login_page_reply(reply, 400, login_page_message("Sign-in is not possible", text), NULL);
}

static void redirect(struct reply *reply, const char *uri, const struct buffer *fragment)
{
    reply_header(reply, "Location", "%s#%s", uri, fragment->data);
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Referrer-Policy", "no-referrer");
    /* 303: the browser must not send the form on to the page. */
    reply_empty(reply, 303);
}

static void add_field(struct buffer *fragment, const char *name, const char *value)
{
    struct error err = {0};

    if (value != NULL)
        must_have(form_add(fragment, name, value, strlen(value), &err) ? fragment : NULL);
}

static void redirect_error(struct reply *reply, const struct params *params, const char *code,
                           const char *description)
{
    CLEANUP(buffer_clear) struct buffer fragment;

    buffer_init(&fragment, FRAGMENT_MAX_BYTES);
    add_field(&fragment, "error", code);
    add_field(&fragment, "error_description", description);
    add_field(&fragment, "state", params_get(params, "state"));
    redirect(reply, params_get(params, "redirect_uri"), &fragment);
}

/* Checks what an authorize request says. Answers itself and returns NULL when it is wrong. */
static const struct realm_client *check_request(const struct cloud *cloud,
                                                const struct params *params,
                                                struct token_scope *out_scope, struct reply *reply)
{
    const char *client_id = params_get_filled(params, "client_id");
    const char *uri = params_get_filled(params, "redirect_uri");
    const char *type = params_get_filled(params, "response_type");
    const char *scope = params_get_filled(params, "scope");
    const struct realm_client *client =
        client_id == NULL ? NULL : realm_find_client(&cloud->realm, client_id);
    struct error err = {0};

    if (client == NULL || !client->may_use_implicit_flow) {
        refuse_on_page(reply,
                       "The client_id is missing, unknown, or not enabled for sign-in. Check "
                       "CLIENT_ID in the page's config.js.");
        return NULL;
    }
    if (uri == NULL || !realm_allows_redirect(&cloud->realm, uri)) {
        refuse_on_page(reply,
                       "The redirect_uri is missing or not on the client's list. Start "
                       "sesame-local-cloud with --page-url for the address of the page.");
        return NULL;
    }
    if (type == NULL || strcmp(type, "token") != 0) {
        redirect_error(reply, params, "unsupported_response_type", "response_type must be token");
        return NULL;
    }
    if (!token_scope_parse(scope == NULL ? "" : scope, out_scope, &err) ||
        !token_scope_grant(out_scope, client, &err)) {
        redirect_error(reply, params,
                       strcmp(err.name, "unauthorized_client") == 0 ? err.name : "invalid_scope",
                       err.message);
        return NULL;
    }
    return client;
}

/* A made-up user for a name that was typed in. The caller frees the result. */
static char *sub_for_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: the same name is the same user again */

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return must_format("user_local0%016llx", (unsigned long long)hash);
}

static char *make_user_token(const struct cloud *cloud, const struct request *request,
                             const struct params *params, const struct realm_client *client,
                             const struct token_scope *scope, struct error *err)
{
    const char *name = params_get_filled(params, "name");
    const char *username = params_get_filled(params, "user");
    const struct realm_user *user = username == NULL ? NULL : realm_find_user(username);
    CLEANUP(cleanup_free) char *sub = sub_for_name(name == NULL ? "" : name);
    struct token_claims claims = {
        .client_id = client->id, .audience = scope->audience, .scope = scope->values};

    if (name != NULL) {
        claims.sub = sub;
        claims.name = name;
        claims.preferred_username = name;
    } else if (user != NULL) {
        claims.sub = user->sub;
        claims.name = user->name;
        claims.preferred_username = user->username;
    } else {
        error_set(err, ERROR_BAD_INPUT, "Choose a user or type a name.");
        return NULL;
    }
    return issued_token_make(cloud, &claims, request->now_s, NULL, err);
}

static void sign_in(const struct cloud *cloud, const struct request *request,
                    const struct params *params, const struct realm_client *client,
                    const struct token_scope *scope, struct reply *reply)
{
    CLEANUP(buffer_wipe) struct buffer fragment;
    struct error err = {0};
    CLEANUP(cleanup_free)
    char *token = make_user_token(cloud, request, params, client, scope, &err);
    char lifetime[24];

    buffer_init(&fragment, FRAGMENT_MAX_BYTES);
    if (token == NULL) {
        size_t count;
        const struct realm_user *users = realm_users(&count);

        login_page_reply(reply, 400, login_page_form(users, count, params, err.message),
                         params_get(params, "redirect_uri"));
        return;
    }
    /* Fits: 20 digits. */
    snprintf(lifetime, sizeof lifetime, "%lld", (long long)cloud->switches.issuer.token_lifetime_s);
    add_field(&fragment, "access_token", token);
    add_field(&fragment, "token_type", "Bearer");
    add_field(&fragment, "expires_in", lifetime);
    add_field(&fragment, "scope", params_get(params, "scope"));
    add_field(&fragment, "state", params_get(params, "state"));
    redirect(reply, params_get(params, "redirect_uri"), &fragment);
}

static void handle_params(struct cloud *cloud, const struct request *request,
                          const struct params *params, struct reply *reply)
{
    struct token_scope scope = {NULL, NULL};
    const struct realm_client *client = check_request(cloud, params, &scope, reply);
    const struct realm_user *users;
    size_t count;

    if (client == NULL) {
        /* answered */
    } else if (slice_equal_text(request->method, "POST")) {
        sign_in(cloud, request, params, client, &scope, reply);
    } else {
        users = realm_users(&count);
        login_page_reply(reply, 200, login_page_form(users, count, params, NULL),
                         params_get(params, "redirect_uri"));
    }
    token_scope_clear(&scope);
}

void login_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    bool is_post = slice_equal_text(request->method, "POST");
    struct params params = {NULL, 0};
    struct error err = {0};

    if (is_post && (!request_has_content_type(request, "application/x-www-form-urlencoded") ||
                    !request_is_own_form(request))) {
        refuse_on_page(reply, "This form was not sent by the sign-in page.");
        return;
    }
    if (!params_parse(is_post ? request->body : request->query, &params, &err)) {
        refuse_on_page(reply, err.message);
        return;
    }
    handle_params(cloud, request, &params, reply);
    params_clear(&params);
}

void logout_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct params params = {NULL, 0};
    struct error err = {0};
    const char *uri;

    if (!params_parse(request->query, &params, &err)) {
        refuse_on_page(reply, err.message);
        return;
    }
    uri = params_get_filled(&params, "post_logout_redirect_uri");
    if (uri != NULL && realm_allows_redirect(&cloud->realm, uri)) {
        reply_header(reply, "Location", "%s", uri);
        reply_header(reply, "Cache-Control", "no-store");
        reply_empty(reply, 302);
    } else if (uri != NULL) {
        login_page_reply(
            reply, 400,
            login_page_message("Signed out",
                               "You are signed out. The address to go back to is not on the "
                               "client's list."),
            NULL);
    } else {
        login_page_reply(reply, 200, login_page_message("Signed out", "You are signed out."), NULL);
    }
    params_clear(&params);
}

void login_style_handle(struct reply *reply)
{
    reply_header(reply, "Cache-Control", "max-age=3600");
    reply_header(reply, "X-Content-Type-Options", "nosniff");
    reply_text(reply, 200, "text/css; charset=utf-8", login_page_style);
}
