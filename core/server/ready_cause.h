/* What stands in the way of a turn, which setting is behind it and how to mend it: one wording for
 * the doctor, GET /ready and the log.
 *
 * What a plugin or a peer said is passed on as it is; this adds where the operator has to look. */
#ifndef SESAME_SERVER_READY_CAUSE_H
#define SESAME_SERVER_READY_CAUSE_H

#include <stddef.h>

struct credential_config;
struct error;
struct host_config;
struct idaas_config;
struct tool_config;

/* NUL-terminated texts without secrets, cut to fit; "" where there is nothing to say. */
struct ready_cause {
    char name[48];     /* the error's stable name */
    char what[480];    /* the error's message */
    char setting[240]; /* "credentials.llm.identifier (LLM_API_KEY_IDENTIFIER)" */
    char fix[400];     /* a sentence without a full stop */
};

/* Both configurations, borrowed; `idaas` is NULL when there is none. */
struct ready_settings {
    const struct host_config *host;
    const struct idaas_config *idaas;
};

/* The keys that users' tokens are verified with. */
void ready_cause_keys(const struct ready_settings *settings, const struct error *err,
                      struct ready_cause *out);
/* A credential that could not be fetched; NULL: the agent's own token for the vault. */
void ready_cause_credential(const struct ready_settings *settings,
                            const struct credential_config *credential, const struct error *err,
                            struct ready_cause *out);
/* `http_status`: what the model answered; 0 when it did not. */
void ready_cause_model(const struct ready_settings *settings, int http_status,
                       const struct error *err, struct ready_cause *out);
/* A tool whose functions are not there, or that failed. */
void ready_cause_tool(const struct ready_settings *settings, const struct tool_config *tool,
                      const char *reason, struct ready_cause *out);
/* A plugin that cannot be loaded or does not take its configuration, and whatever else keeps the
 * host from starting. */
void ready_cause_start(const struct ready_settings *settings, const struct error *err,
                       struct ready_cause *out);

/* The member at `path` ("$.model.name") as an operator looks for it: with the variable it comes
 * from, else with the file it stands in. */
void ready_setting(const struct host_config *host, const char *path, char *out, size_t out_size);

/* "https_proxy" or another variable that asks for a proxy, which the host does not use; "" when
 * none is set. */
const char *ready_proxy_variable(void);

#endif
