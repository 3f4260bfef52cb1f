/* Refusals of the token endpoint in the shape of RFC 6749 section 5.2, with IDaaS's request id. */
#include "local-cloud/oauth_error.h"

#include "base/clock.h"
#include "base/error.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/reply.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

void make_request_id(char out[37])
{
    random_uuid(out);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
}

void oauth_error_reply(struct reply *reply, int status, const char *code, const char *format, ...)
{
    char description[300], request_id[37];
    va_list arguments;

    va_start(arguments, format);
    /* Cutting is fine: it is text for people. */
    vsnprintf(description, sizeof description, format, arguments);
    va_end(arguments);
    make_request_id(request_id);
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Pragma", "no-cache");
    reply_json(
        reply, status,
        json_pack("{error:s,error_description:s,request_id:s}", code, description, request_id));
}

bool oauth_refuse_client(struct error *err, const char *format, ...)
{
    char why[300];
    va_list arguments;

    va_start(arguments, format);
    /* Cutting is fine: it is text for people. */
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return error_set_named(err, ERROR_DENIED, "invalid_client", "client authentication failed: %s",
                           why);
}
