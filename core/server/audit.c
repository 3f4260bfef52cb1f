/* The audit: one JSON object a line for each gate decision, credential fetch, tool call and turn.
 */
#include "server/audit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX_BYTES 8192

struct audit {
    struct log_sink *sink; /* NULL: off */
    int fd;
    bool owns_fd;
};

struct audit *audit_open(const char *path, struct error *err)
{
    struct audit *audit = calloc(1, sizeof *audit);

    if (audit == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the audit");
        return NULL;
    }
    if (path[0] == '\0')
        return audit;
    if (strcmp(path, "stderr") == 0 || strcmp(path, "stdout") == 0) {
        audit->fd = strcmp(path, "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;
    } else {
        audit->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        audit->owns_fd = true;
    }
    if (audit->fd < 0)
        error_set(err, ERROR_BAD_INPUT, "the audit file %s cannot be opened: %s; set audit.path",
                  path, strerror(errno));
    else
        audit->sink = log_sink_new(audit->fd, err);
    if (audit->sink != NULL)
        return audit;
    audit_close(audit);
    return NULL;
}

void audit_close(struct audit *audit)
{
    if (audit == NULL)
        return;
    if (audit->sink != NULL)
        log_sink_free(audit->sink);
    if (audit->owns_fd && audit->fd >= 0)
        close(audit->fd);
    free(audit);
}

static void add(struct buffer *line, const char *name, const char *value)
{
    struct error ignored = {0};

    if (value == NULL)
        return;
    (void)(buffer_printf(line, &ignored, ",\"%s\":", name) &&
           json_add_string(line, value, strlen(value), &ignored));
}

bool audit_write(struct audit *audit, const struct audit_record *record)
{
    struct buffer line;
    struct error ignored = {0};
    char now[25];
    bool ok;

    if (audit->sink == NULL)
        return true;
    clock_format_rfc3339(clock_wall_ms(), now);
    buffer_init(&line, RECORD_MAX_BYTES);
    (void)buffer_printf(&line, &ignored, "{\"ts\":\"%s\"", now);
    add(&line, "event", record->event);
    add(&line, "request_id", record->request_id);
    add(&line, "sub", record->sub);
    add(&line, "client_id", record->client_id);
    if (record->actors != NULL && record->actors[0] != '\0')
        (void)buffer_printf(&line, &ignored, ",\"act\":%s", record->actors);
    add(&line, "tool", record->tool);
    add(&line, "function", record->function);
    add(&line, "credential", record->credential);
    add(&line, "audience", record->audience);
    add(&line, "scope", record->scope);
    add(&line, "arguments_sha256", record->arguments_sha256);
    add(&line, "fingerprint", record->fingerprint);
    add(&line, "outcome", record->outcome);
    add(&line, "reason", record->reason);
    ok = buffer_printf(&line, &ignored, ",\"duration_ms\":%lld}\n",
                       (long long)record->duration_ms) &&
         log_sink_write(audit->sink, line.data, line.len);
    buffer_clear(&line);
    return ok;
}
