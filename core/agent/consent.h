/* Waits until the user has consented to what a tool needs on his behalf: tokens of somebody else's
 * server for which the vault wants his consent first. */
#ifndef SESAME_AGENT_CONSENT_H
#define SESAME_AGENT_CONSENT_H

#include <stdbool.h>
#include <stdint.h>

struct consent;
struct credential_client;
struct error;
struct loop;
struct subject;
struct tool_config;

struct consent_options {
    struct loop *loop;
    struct credential_client *credentials;
    const struct tool_config *tool;
    struct subject *subject; /* borrowed until the end */
    int64_t deadline_ms;     /* monotonic */
    int64_t poll_pause_ms;   /* 0: 3,000 */
    /* He must consent first; once for each link. */
    void (*on_link)(void *arg, const char *link);
    /* Once, from the loop: all that the tool needs is there, or will not come: the call itself says
     * why then. */
    void (*on_done)(void *arg);
    void *arg;
};

/* Whether a credential of the tool may need consent at all. */
bool consent_may_be_needed(const struct credential_client *credentials,
                           const struct tool_config *tool);

struct consent *consent_start(const struct consent_options *options, struct error *err);
/* No callback follows. NULL is fine. */
void consent_cancel(struct consent *consent);

#endif
