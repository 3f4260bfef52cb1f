/* A signed call: POST, everything in the query, an empty body (EIAM and STS are called so). */
#include "alibaba.h"
#include "weave.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX_COUNT 12

static struct sesame_http_field plain(const char *name, const char *value)
{
    return (struct sesame_http_field){.name = kit_text(name), .value = kit_text(value)};
}

/* What libcurl will write as Host: without the port when it is the scheme's own. */
static char *host_of(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    bool is_tls = strncmp(endpoint, "https:", 6) == 0;
    const char *usual = is_tls ? ":443" : ":80";
    size_t len;

    host = host == NULL ? endpoint : host + 3;
    len = strlen(host);
    if (len > strlen(usual) && strcmp(host + len - strlen(usual), usual) == 0)
        len -= strlen(usual);
    return kit_copy((struct sesame_text){host, len});
}

static size_t fill_headers(const struct rpc *rpc, const char *host, const char *date,
                           const char *nonce, struct sesame_http_field *headers)
{
    size_t count = 0;

    headers[count++] = plain("host", host);
    headers[count++] = plain("x-acs-action", rpc->action);
    headers[count++] = plain("x-acs-version", rpc->version);
    headers[count++] = plain("x-acs-date", date);
    headers[count++] = plain("x-acs-signature-nonce", nonce);
    headers[count++] = plain("x-acs-content-sha256", ACS3_EMPTY_SHA256);
    if (rpc->credentials->security_token != 0) {
        headers[count++] = plain("x-acs-accesskey-id", rpc->credentials->access_key_id);
        headers[count++] = (struct sesame_http_field){.name = kit_text("x-acs-security-token"),
                                                      .secret = rpc->credentials->security_token,
                                                      .kind = SESAME_FIELD_SECRET};
    }
    return count;
}

/* Sends the canonical query itself, so that what is signed and what is sent cannot differ. */
static bool send_signed(struct call *call, const struct rpc *rpc, struct acs3_request *signed_form,
                        struct sesame_http_field *headers, const struct weave *query)
{
    struct sesame_instance *instance = call->instance;
    struct kit_buffer url = {0};
    struct sesame_http_request http = {
        .method = kit_text(signed_form->method),
        /* The first is "host", which the host writes itself. */
        .headers = headers + 1,
        .header_count = signed_form->header_count + 1,
    };
    bool ok;

    kit_add(&url, rpc->endpoint);
    kit_add(&url, "/");
    if (weave_is_plain(query)) {
        kit_add(&url, "?");
        kit_add_text(&url, kit_buffer_text(&query->text));
    } else {
        http.query = weave_join(query, instance->kit.host, instance->secret);
    }
    http.url = kit_buffer_text(&url);
    ok = !url.has_failed && (weave_is_plain(query) || http.query != 0) &&
         call_start(call, &http, rpc->timeout_ms);
    instance->secret->free(instance->kit.host, http.query);
    kit_clear(&url);
    return ok;
}

bool rpc_start(struct call *call, const struct rpc *rpc, char out_hash[65])
{
    struct sesame_instance *instance = call->instance;
    const struct acs3_signer signer = {instance->kit.host, instance->secret, instance->sign};
    struct sesame_http_field headers[HEADER_MAX_COUNT];
    struct kit_buffer authorization = {0};
    struct weave query = {0};
    char date[21], nonce[33];
    char *host = host_of(rpc->endpoint);
    struct acs3_request request = {.method = "POST",
                                   .path = "/",
                                   .query = rpc->query,
                                   .query_count = rpc->query_count,
                                   .headers = headers,
                                   .content_sha256 = ACS3_EMPTY_SHA256};
    bool ok = false;

    time_format(time_now_s(instance), date);
    nonce_make(instance, nonce);
    if (host != NULL) {
        request.header_count = fill_headers(rpc, host, date, nonce, headers);
        ok = acs3_authorization(&signer, &request, rpc->credentials->access_key_id,
                                rpc->credentials->access_key_secret, &authorization, out_hash) &&
             acs3_query(&request, &query);
    }
    if (ok) {
        headers[request.header_count] = plain("accept", "application/json");
        headers[request.header_count + 1] = plain("authorization", authorization.data);
        ok = send_signed(call, rpc, &request, headers, &query);
    }
    weave_clear(&query);
    kit_clear(&authorization);
    free(host);
    return ok;
}
