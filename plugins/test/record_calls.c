/* What a plugin asks of the host is noted, then done: calls, HTTP, secrets, keys. */
#include "record.h"

#include "plugin/plugin_call.h"

#include <string.h>

/* One look of the plugin at whether it was cancelled, which may be the one that the test waited
 * for. The flag is the first member of the call. */
static void count_ask(const struct sesame_host *inner, uint64_t handle)
{
    const struct plugin_call *call =
        plugin_call_find((const struct plugin_instance *)inner, handle);
    struct sesame_test_call *asked;

    script_clock_tick();
    if (call == NULL || call->cancel_flag == NULL)
        return;
    memcpy(&asked, &call->cancel_flag, sizeof asked);
    test_call_asked(asked);
}

static int32_t note_http_start(const struct sesame_host *host,
                               const struct sesame_http_request *request,
                               const struct sesame_http_events *events, uint64_t tag,
                               uint64_t *out_http)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_HTTP_V1, "start");

    return inner == NULL ? SESAME_INTERNAL
                         : service_http.start(inner, request, events, tag, out_http);
}

static void note_http_cancel(const struct sesame_host *host, uint64_t http)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_HTTP_V1, "cancel");

    if (inner != NULL)
        service_http.cancel(inner, http);
}

static void note_http_pause(const struct sesame_host *host, uint64_t http, int32_t is_paused)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_HTTP_V1, "pause");

    if (inner != NULL)
        service_http.pause(inner, http, is_paused);
}

const struct sesame_http_v1 recorded_http = {note_http_start, note_http_cancel, note_http_pause};

static int32_t note_program_start(const struct sesame_host *host,
                                  const struct sesame_program_run *run,
                                  void (*on_end)(struct sesame_instance *instance, uint64_t tag,
                                                 const struct sesame_program_end *end),
                                  uint64_t tag, uint64_t *out_run)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_PROGRAM_V1, "start");

    return inner == NULL ? SESAME_INTERNAL
                         : service_program.start(inner, run, on_end, tag, out_run);
}

static void note_program_cancel(const struct sesame_host *host, uint64_t run)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_PROGRAM_V1, "cancel");

    if (inner != NULL)
        service_program.cancel(inner, run);
}

const struct sesame_program_v1 recorded_program = {note_program_start, note_program_cancel};

static int32_t note_credentials_check(const struct sesame_host *host, struct sesame_text name,
                                      struct sesame_text url, struct sesame_text *out_message)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_CREDENTIALS_V1, "check");

    return inner == NULL ? SESAME_INTERNAL
                         : service_credentials.check(inner, name, url, out_message);
}

const struct sesame_credentials_v1 recorded_credentials = {note_credentials_check};

static int32_t note_tool_complete(const struct sesame_host *host, uint64_t call, int32_t status,
                                  struct sesame_text data)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_TOOL_HOST_V1, "complete");

    return inner == NULL ? SESAME_INTERNAL : service_tool_host.complete(inner, call, status, data);
}

static int32_t note_tool_emit(const struct sesame_host *host, uint64_t call,
                              struct sesame_text progress)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_TOOL_HOST_V1, "emit");

    return inner == NULL ? SESAME_INTERNAL : service_tool_host.emit(inner, call, progress);
}

static void note_tool_changed(const struct sesame_host *host)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_TOOL_HOST_V1, "changed");

    if (inner != NULL)
        service_tool_host.changed(inner);
}

static int32_t note_tool_is_cancelled(const struct sesame_host *host, uint64_t call)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_TOOL_HOST_V1, "is_cancelled");

    if (inner == NULL)
        return 1;
    count_ask(inner, call);
    return service_tool_host.is_cancelled(inner, call);
}

const struct sesame_tool_host_v1 recorded_tool = {note_tool_complete, note_tool_emit,
                                                  note_tool_changed, note_tool_is_cancelled};

static int32_t note_provider_complete(const struct sesame_host *host, uint64_t call, int32_t status,
                                      const struct sesame_token_result *result)
{
    const struct sesame_host *inner =
        recorded_enter(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1, "complete");

    return inner == NULL ? SESAME_INTERNAL
                         : service_provider_host.complete(inner, call, status, result);
}

static int32_t note_provider_is_cancelled(const struct sesame_host *host, uint64_t call)
{
    const struct sesame_host *inner =
        recorded_enter(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1, "is_cancelled");

    if (inner == NULL)
        return 1;
    count_ask(inner, call);
    return service_provider_host.is_cancelled(inner, call);
}

const struct sesame_credential_provider_host_v1 recorded_provider = {note_provider_complete,
                                                                     note_provider_is_cancelled};

static int32_t note_secret_from_config(const struct sesame_host *host, struct sesame_text pointer,
                                       uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "from_config");

    return inner == NULL ? SESAME_INTERNAL : service_secret.from_config(inner, pointer, out_secret);
}

static int32_t note_secret_json_take(const struct sesame_host *host, uint64_t json_secret,
                                     struct sesame_text pointer, uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "json_take");

    return inner == NULL ? SESAME_INTERNAL
                         : service_secret.json_take(inner, json_secret, pointer, out_secret);
}

static int32_t note_secret_json_read(const struct sesame_host *host, uint64_t json_secret,
                                     struct sesame_text pointer, char *out, size_t out_capacity,
                                     size_t *out_len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "json_read");

    return inner == NULL
               ? SESAME_INTERNAL
               : service_secret.json_read(inner, json_secret, pointer, out, out_capacity, out_len);
}

static int32_t note_secret_create(const struct sesame_host *host, struct sesame_text bytes,
                                  uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "create");

    return inner == NULL ? SESAME_INTERNAL : service_secret.create(inner, bytes, out_secret);
}

static int32_t note_secret_join(const struct sesame_host *host,
                                const struct sesame_secret_part *parts, size_t count,
                                uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "join");

    return inner == NULL ? SESAME_INTERNAL : service_secret.join(inner, parts, count, out_secret);
}

static int32_t note_secret_from_file(const struct sesame_host *host, struct sesame_text path,
                                     uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "from_file");

    return inner == NULL ? SESAME_INTERNAL : service_secret.from_file(inner, path, out_secret);
}

static int32_t note_secret_from_program(const struct sesame_host *host, struct sesame_text pointer,
                                        const struct sesame_text *arguments, size_t argument_count,
                                        int64_t deadline_ms, uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "from_program");

    return inner == NULL ? SESAME_INTERNAL
                         : service_secret.from_program(inner, pointer, arguments, argument_count,
                                                       deadline_ms, out_secret);
}

static int32_t note_secret_borrow(const struct sesame_host *host, uint64_t secret,
                                  struct sesame_text *out)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "borrow");

    return inner == NULL ? SESAME_INTERNAL : service_secret.borrow(inner, secret, out);
}

static void note_secret_free(const struct sesame_host *host, uint64_t secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SECRET_V1, "free");

    if (inner != NULL)
        service_secret.free(inner, secret);
}

const struct sesame_secret_v1 recorded_secret = {
    note_secret_from_config,  note_secret_json_take, note_secret_json_read,
    note_secret_create,       note_secret_join,      note_secret_from_file,
    note_secret_from_program, note_secret_borrow,    note_secret_free};

static int32_t note_sign_key_open(const struct sesame_host *host, struct sesame_text kind,
                                  uint64_t secret, uint64_t passphrase, uint64_t *out_key,
                                  struct sesame_text *out_message)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "key_open");

    return inner == NULL
               ? SESAME_INTERNAL
               : service_sign.key_open(inner, kind, secret, passphrase, out_key, out_message);
}

static int32_t note_sign_key_generate(const struct sesame_host *host, struct sesame_text kind,
                                      uint64_t *out_key)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "key_generate");

    return inner == NULL ? SESAME_INTERNAL : service_sign.key_generate(inner, kind, out_key);
}

static int32_t note_sign_key_describe(const struct sesame_host *host, uint64_t key,
                                      struct sesame_text *out)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "key_describe");

    return inner == NULL ? SESAME_INTERNAL : service_sign.key_describe(inner, key, out);
}

static int32_t note_sign_jws(const struct sesame_host *host, uint64_t key,
                             struct sesame_text header, struct sesame_text claims,
                             uint64_t *out_secret)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "jws");

    return inner == NULL ? SESAME_INTERNAL
                         : service_sign.jws(inner, key, header, claims, out_secret);
}

static int32_t note_sign_sign(const struct sesame_host *host, uint64_t key, struct sesame_text alg,
                              struct sesame_text data, uint8_t *out, size_t out_capacity,
                              size_t *out_len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "sign");

    return inner == NULL ? SESAME_INTERNAL
                         : service_sign.sign(inner, key, alg, data, out, out_capacity, out_len);
}

static int32_t note_sign_digest(const struct sesame_host *host, struct sesame_text alg,
                                struct sesame_text data, uint8_t *out, size_t out_capacity,
                                size_t *out_len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "digest");

    return inner == NULL ? SESAME_INTERNAL
                         : service_sign.digest(inner, alg, data, out, out_capacity, out_len);
}

static void note_sign_key_free(const struct sesame_host *host, uint64_t key)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SIGN_V1, "key_free");

    if (inner != NULL)
        service_sign.key_free(inner, key);
}

const struct sesame_sign_v1 recorded_sign = {
    note_sign_key_open, note_sign_key_generate, note_sign_key_describe, note_sign_jws,
    note_sign_sign,     note_sign_digest,       note_sign_key_free};

static int32_t note_platform_get(const struct sesame_host *host, struct sesame_text kind,
                                 struct sesame_platform_credentials *out)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_PLATFORM_CREDENTIALS_V1, "get");

    return inner == NULL ? SESAME_INTERNAL : service_platform_credentials.get(inner, kind, out);
}

const struct sesame_platform_credentials_v1 recorded_platform = {note_platform_get};
