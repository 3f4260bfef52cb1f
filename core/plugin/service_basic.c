/* Host services: log, credentials by name. */
#include "plugin/instance.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "credential/credential_client.h"

#include <ctype.h>
#include <sesame/services.h>
#include <string.h>

static void log_message(const struct sesame_host *host, int32_t level, struct sesame_text message,
                        struct sesame_text fields)
{
    struct plugin_instance *instance = instance_enter(host);
    char text[1024];
    size_t len;

    if (instance == NULL)
        return;
    len = utf8_prefix(message.data == NULL ? "" : message.data, message.len, sizeof text - 1);
    if (len > 0)
        memcpy(text, message.data, len);
    text[len] = '\0';
    LOG_WITH(level >= SESAME_LOG_DEBUG && level <= SESAME_LOG_ERROR ? (enum log_level)level
                                                                    : LOG_INFO,
             "plugin", text, LOG_TEXT("plugin", instance->library->manifest->id),
             LOG_TEXT("name", instance->name),
             LOG_BYTES("fields", fields.data == NULL ? "" : fields.data, fields.len));
}

/* "NotSupportedWebKey: ..." begins with a code: letters and digits, a capital first. */
static size_t code_len(struct slice message)
{
    size_t len = 0;

    while (len < message.len && isalnum((unsigned char)message.data[len]))
        len++;
    return len > 0 && len + 1 < message.len && isupper((unsigned char)message.data[0]) &&
                   memcmp(message.data + len, ": ", 2) == 0
               ? len
               : 0;
}

static void explain(const struct sesame_host *host, struct sesame_text message)
{
    struct plugin_instance *instance = instance_enter(host);
    struct slice text = slice_from(message);
    struct error err = {0};
    char code[sizeof err.name];
    size_t len = code_len(text);

    if (instance == NULL)
        return;
    if (len >= sizeof code)
        len = 0;
    if (len > 0) {
        memcpy(code, text.data, len);
        text = (struct slice){text.data + len + 2, text.len - len - 2};
    }
    code[len] = '\0';
    error_set_named(&err, ERROR_INTERNAL, code, "%.*s", (int)(text.len < 400 ? text.len : 400),
                    text.data == NULL ? "" : text.data);
    instance_explain(instance, &err);
}

const struct sesame_log_v1 service_log = {log_message, explain};

static int32_t check_credential(const struct sesame_host *host, struct sesame_text name,
                                struct sesame_text url, struct sesame_text *out_message)
{
    struct plugin_instance *instance = instance_enter(host);
    const struct credential_config *config = NULL;
    struct error err = {0};
    bool may_use = false;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (instance->home.credentials != NULL)
        config = credential_find(instance->home.credentials, slice_from(name));
    if (config == NULL) {
        instance_say(instance, "there is no such credential in the configuration", out_message);
        return SESAME_NOT_FOUND;
    }
    for (size_t i = 0; i < instance->tool->credential_count; i++)
        may_use = may_use || slice_equal_text(slice_from(name), instance->tool->credentials[i]);
    if (!may_use) {
        instance_say(instance, "the tool's \"credentials\" do not name it", out_message);
        return SESAME_DENIED;
    }
    if (credential_allows_url(config, slice_from(url), &err))
        return SESAME_OK;
    instance_say(instance, err.message, out_message);
    return SESAME_DENIED;
}

const struct sesame_credentials_v1 service_credentials = {check_credential};
