/* Waits until the user has consented to what a tool needs on his behalf. */
#include "agent/consent.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/host_config.h"
#include "credential/credential_client.h"
#include "credential/vault.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

/* As the vendor's client (idaas.md 4.2). */
#define POLL_PAUSE_MS 3000
#define CONSENT_TIMEOUT_MS 180000

struct consent {
    struct consent_options options;
    struct loop_timer *timer;
    struct credential_wait *wait;
    size_t index; /* of the tool's credential at hand */
    char link[VAULT_LINK_SIZE];
};

static const struct credential_config *at(const struct credential_client *credentials,
                                          const struct tool_config *tool, size_t index)
{
    const struct credential_config *config =
        credential_find(credentials, slice_of(tool->credentials[index]));

    return config != NULL && config->kind == CREDENTIAL_OAUTH_TOKEN &&
                   config->identity == IDENTITY_USER
               ? config
               : NULL;
}

bool consent_may_be_needed(const struct credential_client *credentials,
                           const struct tool_config *tool)
{
    for (size_t i = 0; credentials != NULL && i < tool->credential_count; i++)
        if (at(credentials, tool, i) != NULL)
            return true;
    return false;
}

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    struct consent *consent = arg;
    int64_t pause_ms =
        consent->options.poll_pause_ms > 0 ? consent->options.poll_pause_ms : POLL_PAUSE_MS;
    char link[VAULT_LINK_SIZE];
    bool waits = false;

    consent->wait = NULL;
    if (credential == NULL && vault_consent_link(err, link)) {
        if (strcmp(link, consent->link) != 0) {
            memcpy(consent->link, link, sizeof link);
            consent->options.on_link(consent->options.arg, link);
        }
        waits = clock_monotonic_ms() + pause_ms < consent->options.deadline_ms;
    }
    /* The next one from the loop; after another failure too: the call tells it. */
    if (!waits)
        consent->index++;
    loop_timer_start(consent->timer, waits ? pause_ms : 0);
}

static void go_on(void *arg)
{
    struct consent *consent = arg;
    const struct consent_options *options = &consent->options;
    const struct credential_config *config = NULL;

    while (consent->index < options->tool->credential_count &&
           (config = at(options->credentials, options->tool, consent->index)) == NULL)
        consent->index++;
    if (config == NULL) {
        struct consent_options copy = *options;

        consent_cancel(consent);
        copy.on_done(copy.arg);
        return;
    }
    consent->wait = credential_get(options->credentials, config, options->subject,
                                   options->deadline_ms, on_ready, consent);
}

struct consent *consent_start(const struct consent_options *options, struct error *err)
{
    struct consent *consent = calloc(1, sizeof *consent);
    int64_t latest_ms = clock_monotonic_ms() + CONSENT_TIMEOUT_MS;

    if (consent == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to wait for a consent");
        return NULL;
    }
    consent->options = *options;
    if (consent->options.deadline_ms > latest_ms)
        consent->options.deadline_ms = latest_ms;
    consent->timer = loop_timer_new(options->loop, go_on, consent, err);
    if (consent->timer == NULL) {
        free(consent);
        return NULL;
    }
    loop_timer_start(consent->timer, 0);
    return consent;
}

void consent_cancel(struct consent *consent)
{
    if (consent == NULL)
        return;
    credential_wait_cancel(consent->wait);
    loop_timer_free(consent->timer);
    free(consent);
}
