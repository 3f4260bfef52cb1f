/* The gateway in front of Alibaba Cloud's OpenAPIs: error answers, and who has signed a request. */
#include "local-cloud/pop.h"

#include "base/cleanup.h"
#include "local-cloud/acs3.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"
#include "local-cloud/ram.h"
#include "local-cloud/realm.h"
#include "local-cloud/replay_memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/rpc1.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

enum { CLOCK_TOLERANCE_S = 15 * 60 };

static struct json_object *make_error(const struct request *request, const char *code,
                                      const char *message)
{
    CLEANUP(cleanup_free) char *host = slice_dup(request_header(request, "host"));
    CLEANUP(cleanup_free)
    char *recommend = must_format("https://api.aliyun.com/troubleshoot?q=%s", code);
    char request_id[37];

    make_request_id(request_id);
    return json_pack("{RequestId:s,HostId:s,Code:s,Message:s,Recommend:s}", request_id,
                     host == NULL ? "" : host, code, message, recommend);
}

bool pop_refuse(struct reply *reply, const struct request *request, int status, const char *code,
                const char *format, ...)
{
    CLEANUP(cleanup_free) char *message = NULL;
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vasprintf(&message, format, arguments);
    va_end(arguments);
    must_have(len < 0 ? NULL : message);
    reply_json(reply, status, make_error(request, code, message));
    return false;
}

bool pop_may_be_plain(bool needs_ssl, const struct request *request, struct reply *reply)
{
    if (!needs_ssl || request->is_tls)
        return true;
    return pop_refuse(reply, request, 404, "InvalidProtocol.NeedSsl",
                      "This service is reached over https only.");
}

bool pop_refuse_permission(struct reply *reply, const struct request *request,
                           const struct ram_key *key, const char *action)
{
    struct json_object *error =
        make_error(request, "NoPermission", "You are not authorized to perform this action.");
    CLEANUP(cleanup_free)
    char *name = key->role == NULL ? must_copy(RAM_USER)
                                   : must_format("%s:%s", key->role->name, key->session_name);

    json_object_object_add(error, "AccessDeniedDetail",
                           json_pack("{AuthAction:s,AuthPrincipalType:s,AuthPrincipalOwnerId:s,"
                                     "AuthPrincipalDisplayName:s,PolicyType:s,NoPermissionType:s}",
                                     action, key->role == NULL ? "SubUser" : "AssumedRoleUser",
                                     RAM_ACCOUNT, name, "AccountLevelIdentityBasedPolicy",
                                     "ImplicitDeny"));
    reply_json(reply, 403, error);
    return false;
}

void pop_reply(struct reply *reply, struct json_object *value)
{
    char request_id[37];

    make_request_id(request_id);
    json_object_object_add(value, "RequestId", must_have(json_object_new_string(request_id)));
    reply_json(reply, 200, value);
}

const char *pop_require(struct reply *reply, const struct request *request,
                        const struct params *params, const char *name)
{
    const char *value = params_get_filled(params, name);
    char code[80];

    /* Cutting is fine: our own names are short. */
    snprintf(code, sizeof code, "Missing%s", name);
    if (value == NULL)
        pop_refuse(reply, request, 400, code, "%s is mandatory for this action.", name);
    return value;
}

const struct ram_key *pop_check_key(const struct pop_gate *gate, const struct request *request,
                                    const char *id, const char *token, struct reply *reply)
{
    const struct ram_key *key = ram_find_key(gate->ram, id);

    if (key == NULL)
        pop_refuse(reply, request, 404, "InvalidAccessKeyId.NotFound",
                   "Specified access key is not found.");
    else if (!key->is_active)
        pop_refuse(reply, request, 400, "InvalidAccessKeyId.Inactive",
                   "Specified access key is disabled.");
    else if (key->token != NULL && token == NULL)
        pop_refuse(reply, request, 400, "MissingSecurityToken",
                   "SecurityToken is mandatory for this action.");
    else if (token != NULL && key->token == NULL)
        pop_refuse(reply, request, 400, "InvalidSecurityToken.MismatchWithAccessKey",
                   "Specified SecurityToken mismatch with the AccessKey.");
    else if (token != NULL && !secret_text_equal(slice_of(token), key->token))
        pop_refuse(reply, request, 400, "InvalidSecurityToken.Malformed",
                   "Specified SecurityToken is malformed.");
    else if (key->expires_at_s != 0 && request->now_s >= key->expires_at_s)
        pop_refuse(reply, request, 400, "InvalidSecurityToken.Expired",
                   "Specified SecurityToken is expired.");
    else
        return key;
    return NULL;
}

/* "2026-03-01T08:00:00Z", nothing else. */
static bool read_date(const char *text, int64_t *out_at_s)
{
    struct tm fields = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &fields);

    if (end == NULL || *end != '\0' || strlen(text) != strlen("2026-03-01T08:00:00Z"))
        return false;
    *out_at_s = timegm(&fields);
    return true;
}

bool pop_check_time(const struct request *request, const char *date, struct reply *reply)
{
    int64_t at_s;

    if (!read_date(date, &at_s))
        return pop_refuse(reply, request, 400, "InvalidTimeStamp.Format",
                          "Specified time stamp or date value is not well formatted.");
    if (at_s > request->now_s + CLOCK_TOLERANCE_S || at_s < request->now_s - CLOCK_TOLERANCE_S)
        return pop_refuse(reply, request, 400, "InvalidTimeStamp.Expired",
                          "Specified time stamp or date value is expired.");
    return true;
}

bool pop_check_nonce(const struct pop_gate *gate, const struct request *request,
                     const struct ram_key *key, const char *nonce, struct reply *reply)
{
    CLEANUP(cleanup_free) char *use = must_format("%s %s", key->id, nonce);

    if (!replay_memory_use(gate->nonces, use, request->now_s + 2 * CLOCK_TOLERANCE_S,
                           request->now_s))
        return pop_refuse(reply, request, 400, "SignatureNonceUsed",
                          "Specified signature nonce was used already.");
    return true;
}

const struct ram_key *pop_authenticate(const struct pop_gate *gate, const struct request *request,
                                       const struct params *params, struct reply *reply)
{
    if (request->authorization_count > 0)
        return acs3_authenticate(gate, request, reply);
    return rpc1_authenticate(gate, request, params, reply);
}
