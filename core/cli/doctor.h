/* sesame doctor: the steps from the configuration to the services, and what they share. */
#ifndef SESAME_CLI_DOCTOR_H
#define SESAME_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cli/session.h"
#include "server/ready_cause.h"

struct command_line;
struct jwks;

/* Collects what the steps find; as text each line goes out at once, as JSON all at the end. */
struct doctor_report {
    bool is_json;
    bool has_failed;
    struct buffer json;
    struct error err; /* of the JSON: no memory */
};

struct doctor {
    const struct command_line *line;
    struct doctor_report report;
    struct session session;
    struct ready_settings settings; /* once the configuration is loaded */

    /* The request at hand. */
    bool is_done;
    struct error err;
    struct buffer body;
    int http_status;
    int64_t server_date_s; /* of the answer's Date; 0 and -1: none */
    size_t deltas;

    struct jwks *jwks;    /* the issuer's keys, for the steps behind */
    const char *verdict;  /* on the agent's own token: a reason of jwt/access_token.h */
    const char *audience; /* of the token at hand */
};

/* ---- the report ------------------------------------------------------------------------------ */

void doctor_pass(struct doctor *doctor, const char *check, const char *detail);
/* Does not end the run. */
void doctor_warn(struct doctor *doctor, const char *check, const struct ready_cause *cause);
/* Returns false, for `return doctor_fail(...)`: what follows is not tried. */
bool doctor_fail(struct doctor *doctor, const char *check, const struct ready_cause *cause);
/* The steps behind the one that failed. */
void doctor_not_tried(struct doctor *doctor, const char *const *checks, size_t count);
/* Prints what is left to print. */
void doctor_report_end(struct doctor *doctor);

/* ---- the steps: false ends the run ----------------------------------------------------------- */

/* Nothing of these leaves the machine. */
bool doctor_configuration(struct doctor *doctor);
bool doctor_authorities(struct doctor *doctor);
bool doctor_proxy(struct doctor *doctor);
bool doctor_memory(struct doctor *doctor);
bool doctor_port(struct doctor *doctor);
bool doctor_plugins(struct doctor *doctor);

bool doctor_keys(struct doctor *doctor);
bool doctor_credentials(struct doctor *doctor);
bool doctor_user(struct doctor *doctor);
bool doctor_model(struct doctor *doctor);
bool doctor_tools(struct doctor *doctor);
bool doctor_services(struct doctor *doctor);

/* ---- requests -------------------------------------------------------------------------------- */

#define DOCTOR_TIMEOUT_MS 30000

/* Empties what the last request left. */
void doctor_begin(struct doctor *doctor);
/* Turns the loop until `is_done`, or sets `err` when the time is over. */
void doctor_wait(struct doctor *doctor);
/* A GET, with the credential of this name unless it is "". Result in `err`, `http_status`, `body`.
 */
void doctor_get(struct doctor *doctor, const char *url, const char *credential);

#endif
