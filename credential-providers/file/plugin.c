/* Credentials that the platform mounts as files: systemd credentials, Kubernetes secrets, what an
 * agent of a vault writes. Read anew, so that a changed file is taken. */
#include "plugins/kit/jwt_expiry.h"

#include <inttypes.h>
#include <sesame/credential_provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT "{\"type\":\"string\",\"minLength\":1}"
#define MESSAGE_MAX_BYTES 380

struct sesame_instance {
    struct kit kit;
    const struct sesame_secret_v1 *secret;
    const struct sesame_credential_provider_host_v1 *completion;
    char *path;      /* one file for all, or NULL */
    char *directory; /* a file per scope, or NULL */
    char *member;    /* JSON pointer in the file; NULL: the whole file is the credential */
    int64_t reread_s;
};

static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"path\":" TEXT ",\"directory\":" TEXT
    ","
    "\"member\":{\"type\":\"string\",\"pattern\":\"^/\"},"
    "\"reread_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":86400,\"default\":60}},"
    "\"oneOf\":[{\"required\":[\"path\"]},{\"required\":[\"directory\"]}]}";

/* ---- one file -------------------------------------------------------------------------------- */

/* A fault of the moment: `status` and `code` go to the host, `message` to people. */
struct fault {
    int32_t status;
    const char *code;
    char message[MESSAGE_MAX_BYTES];
};

static bool fail(struct fault *fault, int32_t status, const char *code, const char *path,
                 const char *what)
{
    fault->status = status;
    fault->code = code;
    /* Cutting a long path is fine. */
    (void)snprintf(fault->message, sizeof fault->message, "the credential in %.200s %s", path,
                   what);
    return false;
}

/* The name in the configuration becomes a name in the directory, and nothing but that. */
static char *path_for(const struct sesame_instance *instance, struct sesame_text scope)
{
    struct kit_buffer path = {0};
    bool is_name =
        scope.len > 0 && scope.data[0] != '.' && memchr(scope.data, '/', scope.len) == NULL;

    if (instance->path != NULL)
        return kit_copy(kit_text(instance->path));
    kit_add(&path, instance->directory);
    kit_add(&path, "/");
    kit_add_text(&path, scope);
    if (is_name && !path.has_failed)
        return path.data;
    kit_clear(&path);
    return NULL;
}

/* What may stand in a header: visible characters, no blanks (RFC 6750 section 2.1 and beyond). */
static bool is_sendable(struct sesame_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x21 || text.data[i] > 0x7e)
            return false;
    return text.len > 0;
}

static bool take_member(const struct sesame_instance *instance, const char *path, uint64_t *token,
                        struct fault *fault)
{
    const struct sesame_host *host = instance->kit.host;
    uint64_t taken = 0;
    char what[160];

    if (instance->member == NULL)
        return true;
    if (instance->secret->json_take(host, *token, kit_text(instance->member), &taken) !=
        SESAME_OK) {
        (void)snprintf(what, sizeof what, "cannot be used: no strict JSON with a text at %.60s",
                       instance->member);
        return fail(fault, SESAME_UNAVAILABLE, "CredentialUnusable", path, what);
    }
    instance->secret->free(host, *token);
    *token = taken;
    return true;
}

/* False when the token is over already. */
static bool read_lifetime(const struct sesame_instance *instance, const char *path, uint64_t token,
                          int64_t *out_lifetime_s, struct fault *fault)
{
    const struct kit *kit = &instance->kit;
    int64_t expires_at_s, left_s;
    char what[120];

    /* The host refreshes from half of the lifetime on. */
    *out_lifetime_s = 2 * instance->reread_s;
    (void)jwt_expiry_read(kit, instance->secret, token, &expires_at_s);
    if (expires_at_s < 0)
        return true;
    left_s = expires_at_s - kit->clock->wall_ms(kit->host) / 1000;
    if (left_s < *out_lifetime_s)
        *out_lifetime_s = left_s;
    if (left_s > 0)
        return true;
    (void)snprintf(what, sizeof what,
                   "expired %" PRId64 " s ago: what writes this file has not renewed it", -left_s);
    return fail(fault, SESAME_UNAVAILABLE, "CredentialExpired", path, what);
}

static bool read_credential(const struct sesame_instance *instance, const char *path,
                            uint64_t *out_token, int64_t *out_lifetime_s, struct fault *fault)
{
    const struct sesame_host *host = instance->kit.host;
    uint64_t token = 0;
    int32_t status = instance->secret->from_file(host, kit_text(path), &token);
    struct sesame_text text = {NULL, 0};
    char what[80];

    if (status != SESAME_OK) {
        (void)snprintf(what, sizeof what, "cannot be used: %s", kit_file_fault(status));
        return fail(fault, SESAME_UNAVAILABLE, "CredentialNotFound", path, what);
    }
    if (take_member(instance, path, &token, fault)) {
        (void)instance->secret->borrow(host, token, &text);
        if (is_sendable(text)
                ? read_lifetime(instance, path, token, out_lifetime_s, fault)
                : fail(fault, SESAME_UNAVAILABLE, "CredentialUnusable", path,
                       "cannot be used: it holds blanks, line breaks or other characters that no "
                       "header takes")) {
            *out_token = token;
            return true;
        }
    }
    instance->secret->free(host, token);
    return false;
}

/* ---- the interface --------------------------------------------------------------------------- */

static void complete_failure(const struct sesame_instance *instance, uint64_t call,
                             const struct fault *fault)
{
    struct sesame_token_result result = {.token = 0};
    struct kit_buffer data = {0};

    kit_add(&data, "{\"code\":");
    kit_add_quoted(&instance->kit, &data, kit_text(fault->code));
    kit_add(&data, ",\"message\":");
    kit_add_quoted(&instance->kit, &data, kit_text(fault->message));
    kit_add(&data, "}");
    if (!data.has_failed)
        result.data = kit_buffer_text(&data);
    (void)instance->completion->complete(instance->kit.host, call, fault->status, &result);
    kit_clear(&data);
}

static void complete_token(const struct sesame_instance *instance, uint64_t call, uint64_t token,
                           int64_t lifetime_s)
{
    struct sesame_token_result result = {.token = token};
    struct kit_buffer data = {0};

    kit_add(&data, "{\"expires_in_s\":");
    kit_add_number(&data, lifetime_s);
    kit_add(&data, "}");
    if (!data.has_failed)
        result.data = kit_buffer_text(&data);
    (void)instance->completion->complete(instance->kit.host, call, SESAME_OK, &result);
    kit_clear(&data);
}

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    char *path = path_for(instance, request->scope);
    struct fault fault = {.status = SESAME_BAD_INPUT, .code = "InvalidScope"};
    int64_t lifetime_s = 0;
    uint64_t token = 0;

    if (request->subject_token != 0) {
        (void)snprintf(fault.message, sizeof fault.message,
                       "a mounted credential is the agent's own: it cannot act for a user");
        complete_failure(instance, call, &fault);
    } else if (path == NULL) {
        (void)snprintf(fault.message, sizeof fault.message,
                       "the scope is the name of a file in %.200s: expected one without \"/\" and "
                       "without a dot in front",
                       instance->directory == NULL ? "" : instance->directory);
        complete_failure(instance, call, &fault);
    } else if (read_credential(instance, path, &token, &lifetime_s, &fault)) {
        complete_token(instance, call, token, lifetime_s);
    } else {
        complete_failure(instance, call, &fault);
    }
    free(path);
}

/* Nothing is ever under way. */
static void cancel(struct sesame_instance *instance, uint64_t call)
{
    (void)instance;
    (void)call;
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    free(instance->path);
    free(instance->directory);
    free(instance->member);
    free(instance);
}

/* A file that is not there is found now, not when somebody chats. */
static int32_t try_file(const struct sesame_instance *instance)
{
    struct fault fault = {.code = ""};
    struct kit_buffer message = {0};
    int64_t lifetime_s = 0;
    uint64_t token = 0;

    if (instance->path == NULL)
        return SESAME_OK;
    if (read_credential(instance, instance->path, &token, &lifetime_s, &fault)) {
        instance->secret->free(instance->kit.host, token);
        return SESAME_OK;
    }
    kit_add(&message, fault.code);
    kit_add(&message, ": ");
    kit_add(&message, fault.message);
    if (!message.has_failed)
        instance->kit.log->explain(instance->kit.host, kit_buffer_text(&message));
    kit_clear(&message);
    return fault.status;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    instance->secret = host->get_service(host, SESAME_SECRET_V1);
    instance->completion = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    if (kit_open(&instance->kit, host) && instance->secret != NULL &&
        instance->completion != NULL) {
        instance->path = kit_get_string(&instance->kit, config, "/path");
        instance->directory = kit_get_string(&instance->kit, config, "/directory");
        instance->member = kit_get_string(&instance->kit, config, "/member");
        if (kit_get_int(&instance->kit, config, "/reread_s", &instance->reread_s))
            status = try_file(instance);
    }
    if (status == SESAME_OK)
        *out_instance = instance;
    else
        destroy(instance);
    return status;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 provider = {fetch, cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &provider : NULL;
}

static const char *const needs[] = {SESAME_LOG_V1,
                                    SESAME_JSON_V1,
                                    SESAME_CLOCK_V1,
                                    SESAME_SECRET_V1,
                                    SESAME_CREDENTIAL_PROVIDER_HOST_V1,
                                    NULL};
static const char *const offers[] = {SESAME_CREDENTIAL_PROVIDER_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "file",
    .version = PACKAGE_VERSION,
    .description = "Credentials that the platform mounts as files",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
