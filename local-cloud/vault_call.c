/* One call of the DeveloperAPI, as the handlers of its operations see it. */
#include "local-cloud/vault_call.h"

#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void vault_refuse(const struct vault_call *call, int status, const char *pop_code,
                  const char *oauth_code, const char *format, ...)
{
    char message[300], request_id[37];
    va_list arguments;

    va_start(arguments, format);
    /* Cutting is fine: it is text for people. */
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    make_request_id(request_id);
    if (call->cloud->switches.vault.error_shape == ERROR_SHAPE_OAUTH)
        reply_json(call->reply, status,
                   json_pack("{error:s,error_description:s,request_id:s}", oauth_code, message,
                             request_id));
    else
        reply_json(call->reply, status,
                   json_pack("{Code:s,Message:s,RequestId:s}", pop_code, message, request_id));
}

const char *vault_text(const struct vault_call *call, const char *name)
{
    const char *text;
    size_t len = 0;

    if (call->body == NULL)
        return params_get_filled(call->query, name);
    text = json_get_string(call->body, name, &len);
    return text != NULL && len > 0 && strlen(text) == len ? text : NULL;
}
