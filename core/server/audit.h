/* The audit: one JSON object a line for each gate decision, credential fetch, tool call and turn.
 */
#ifndef SESAME_SERVER_AUDIT_H
#define SESAME_SERVER_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

struct audit;
struct error;

/* Members that are NULL are left out. Never a value of a secret, never arguments. */
struct audit_record {
    const char *event; /* "gate", "credential", "tool", "turn" */
    const char *request_id;
    const char *sub;
    const char *client_id;
    const char *actors; /* JSON array: who acts for `sub`, the present actor first */
    const char *tool;
    const char *function;
    const char *credential;
    const char *audience;
    const char *scope;
    const char *arguments_sha256;
    const char *fingerprint;
    const char *outcome;
    const char *reason;
    int64_t duration_ms;
};

/* `path`: "stderr", "stdout", "" (off) or a file, made with mode 0600 and appended to. */
struct audit *audit_open(const char *path, struct error *err);
void audit_close(struct audit *audit);

/* False when the record was dropped (queue full). [any thread] */
bool audit_write(struct audit *audit, const struct audit_record *record);

#endif
