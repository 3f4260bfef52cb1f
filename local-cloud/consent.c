/* The page on which a user lets the agent use a third party's service (3-legged OAuth). */
#include "local-cloud/consent.h"

#include "base/error.h"
#include "local-cloud/cloud.h"
#include "local-cloud/login_pages.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/token_store.h"

#include <string.h>

char *consent_url(const struct cloud *cloud, const struct consent_session *session)
{
    const char *endpoint = cloud->realm.token_endpoint_plain;
    size_t origin_len = strlen(endpoint) - strlen(PATH_TOKEN);

    return must_format("%.*s" PATH_CONSENT "?session=%s", (int)origin_len, endpoint, session->id);
}

static void message(struct reply *reply, int status, const char *title, const char *text)
{
    login_page_reply(reply, status, login_page_message(title, text), NULL);
}

static void decide(struct consent_session *session, const struct params *params,
                   struct reply *reply)
{
    const char *decision = params_get_filled(params, "decision");

    if (decision != NULL && strcmp(decision, "allow") == 0) {
        session->status = SESSION_COMPLETED;
        message(reply, 200, "Access allowed",
                "The agent may now act for you. Go back to the chat; you can close this page.");
    } else if (decision != NULL && strcmp(decision, "deny") == 0) {
        session->status = SESSION_FAILED;
        message(reply, 200, "Access refused",
                "The agent may not act for you. You can close this page.");
    } else {
        login_page_reply(reply, 400,
                         login_page_consent(session->provider->name, session->scope, session->id,
                                            "Choose one of the two."),
                         NULL);
    }
}

static void handle_params(struct cloud *cloud, const struct request *request,
                          const struct params *params, struct reply *reply)
{
    const char *id = params_get_filled(params, "session");
    struct consent_session *session =
        id == NULL ? NULL : token_store_session(cloud->tokens, id, request->now_s);

    if (session == NULL)
        message(reply, 404, "Nothing to decide",
                "This address belongs to no request. Ask in the chat again.");
    else if (session->status == SESSION_EXPIRED)
        message(reply, 410, "Too late", "The request has expired. Ask in the chat again.");
    else if (session->status != SESSION_PENDING)
        message(reply, 409, "Already decided", "You can close this page.");
    else if (slice_equal_text(request->method, "POST"))
        decide(session, params, reply);
    else
        login_page_reply(
            reply, 200,
            login_page_consent(session->provider->name, session->scope, session->id, NULL), NULL);
}

void consent_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    bool is_post = slice_equal_text(request->method, "POST");
    struct params params = {NULL, 0};
    struct error err = {0};

    if (is_post && (!request_has_content_type(request, "application/x-www-form-urlencoded") ||
                    !request_is_own_form(request))) {
        message(reply, 400, "Not possible", "This form was not sent by the consent page.");
        return;
    }
    if (!params_parse(is_post ? request->body : request->query, &params, &err)) {
        message(reply, 400, "Not possible", err.message);
        return;
    }
    handle_params(cloud, request, &params, reply);
    params_clear(&params);
}
