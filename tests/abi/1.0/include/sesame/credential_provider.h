/* sesame.credential-provider/1: turns the agent's identity into an access token.
 *
 * Providers handle secrets and so are trusted code; even so they work with handles
 * (sesame.secret/1) and never need the bytes. */
#ifndef SESAME_CREDENTIAL_PROVIDER_H
#define SESAME_CREDENTIAL_PROVIDER_H

#include <sesame/plugin.h>
#include <sesame/services.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESAME_CREDENTIAL_PROVIDER_V1 "sesame.credential-provider/1"
#define SESAME_CREDENTIAL_PROVIDER_HOST_V1 "sesame.credential-provider-host/1"

struct sesame_token_request {
    struct sesame_text scope;    /* as configured, such as "https://svc.example|read" */
    struct sesame_text audience; /* the part before the bar */
    struct sesame_text values;   /* the parts behind it, blank-separated, without repeats */
    uint64_t subject_token;      /* secret handle of the user's token, or 0: act as the agent */
    int64_t deadline_ms;
    struct sesame_text context; /* JSON object; {} at present */
};

/* Implemented by the plugin. [home] */
struct sesame_credential_provider_v1 {
    /* Fetches one token. The host asks once at a time for the same scope and subject; it caches,
     * refreshes and remembers refusals, so the provider does none of that. Several fetches may be
     * open at once. */
    void (*fetch)(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request);

    /* Asks for an end of `call`, which may be over already. */
    void (*cancel)(struct sesame_instance *instance, uint64_t call);
};

/* How a fetch ended. All zero bytes but what is set. */
struct sesame_token_result {
    uint64_t token;                /* secret handle, which the host takes; 0 unless SESAME_OK */
    struct sesame_binding binding; /* what `token` is bound to; none for a bearer token */

    /* JSON. With SESAME_OK about the token: {"expires_in_s": 1200, "expires_at_s": 1800001200}, any
     * may be missing. Else about the failure: {"code": "invalid_client", "message": "...",
     * "request_id": "...", "retry_after_ms": 1000}, any may be missing; no secret in any of them.
     */
    struct sesame_text data;
};

/* Offered by the host under SESAME_CREDENTIAL_PROVIDER_HOST_V1. [home] */
struct sesame_credential_provider_host_v1 {
    /* Ends `call`. With a binding the host uses the token only in requests that prove it. */
    int32_t (*complete)(const struct sesame_host *host, uint64_t call, int32_t status,
                        const struct sesame_token_result *result);

    /* 1 when somebody asked to cancel `call`, its deadline is over or it is over itself, else 0.
     * For providers that block on the `thread` placement. */
    int32_t (*is_cancelled)(const struct sesame_host *host, uint64_t call);
};

#ifdef __cplusplus
}
#endif

#endif
