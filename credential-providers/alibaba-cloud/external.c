/* Keys that a program prints: mode External of the command line's profile. The program is started
 * only when the operator names the same one in the configuration. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define WORD_MAX_COUNT 33

bool command_split(char *line, struct sesame_text *words, size_t capacity, size_t *out_count)
{
    char *from = line, *to;

    *out_count = 0;
    for (;;) {
        char quote = '\0';

        while (*from != '\0' && strchr(" \t\r\n", *from) != NULL)
            from++;
        if (*from == '\0')
            return true;
        if (*out_count == capacity)
            return false;
        words[*out_count].data = to = from;
        for (; *from != '\0' && (quote != '\0' || strchr(" \t\r\n", *from) == NULL); from++) {
            if (*from == quote) {
                quote = '\0';
            } else if (quote == '\0' && (*from == '\'' || *from == '"')) {
                quote = *from;
            } else if (*from == '\\' && quote != '\'' && from[1] != '\0' &&
                       (quote == '\0' || strchr("\"\\$`", from[1]) != NULL)) {
                *to++ = *++from;
            } else {
                *to++ = *from;
            }
        }
        if (quote != '\0')
            return false;
        words[*out_count].len = (size_t)(to - words[*out_count].data);
        (*out_count)++;
        if (*from != '\0')
            from++;
        *to = '\0';
    }
}

/* ---- what it printed ------------------------------------------------------------------------- */

static uint64_t take(struct run *run, uint64_t output, const char *pointer)
{
    struct sesame_instance *instance = run->instance;
    uint64_t secret = 0;

    if (!answer_has(instance, output, pointer) ||
        instance->secret->json_take(instance->kit.host, output, kit_text(pointer), &secret) !=
            SESAME_OK)
        return 0;
    return secret;
}

static bool read_expiry(struct run *run, uint64_t output, struct credentials *fresh)
{
    char *text = answer_text(run->instance, output, "/expiration", NULL);
    bool ok = text == NULL || time_parse(kit_text(text), &fresh->expires_at_s);

    free(text);
    if (!ok)
        return reason_set(&run->reason, "the program's expiration is no time");
    if (fresh->expires_at_s != 0 && fresh->expires_at_s <= time_now_s(run->instance))
        return reason_set(&run->reason, "the program's key has expired");
    return true;
}

static bool read_output(struct run *run, uint64_t output, struct credentials *fresh)
{
    struct sesame_instance *instance = run->instance;
    char *mode = answer_text(instance, output, "/mode", NULL);
    bool has_token = mode != NULL && strcmp(mode, "StsToken") == 0;
    bool is_known = has_token || (mode != NULL && strcmp(mode, "AK") == 0);
    uint64_t id, secret, token;

    free(mode);
    if (!is_known)
        return reason_set(&run->reason,
                          "the program did not print JSON with the mode AK or StsToken");
    id = take(run, output, "/access_key_id");
    secret = take(run, output, "/access_key_secret");
    token = has_token ? take(run, output, "/sts_token") : 0;
    if (id != 0 && secret != 0 && (token != 0 || !has_token))
        return credentials_make(instance, id, secret, token, fresh, &run->reason) &&
               read_expiry(run, output, fresh);
    instance->secret->free(instance->kit.host, id);
    instance->secret->free(instance->kit.host, secret);
    instance->secret->free(instance->kit.host, token);
    return reason_set(&run->reason, "the program printed no %s",
                      id == 0       ? "access_key_id"
                      : secret == 0 ? "access_key_secret"
                                    : "sts_token");
}

/* ---- running it ------------------------------------------------------------------------------ */

static bool run_program(struct run *run, uint64_t *out_output)
{
    struct sesame_instance *instance = run->instance;
    const struct kit *kit = &instance->kit;
    const char *allowed = instance->settings.external_program;
    struct sesame_text words[WORD_MAX_COUNT];
    size_t count;
    int32_t status;

    if (!command_split(run->plan.command, words, WORD_MAX_COUNT, &count) || count == 0)
        return reason_set(&run->reason, "process_command is empty, too long or has an open quote");
    if (!kit_equal(words[0], allowed))
        return reason_set(&run->reason,
                          "process_command does not begin with externalProgram, %.100s", allowed);
    status = instance->secret->from_program(
        kit->host, kit_text("/externalProgram"), words + 1, count - 1,
        kit->clock->monotonic_ms(kit->host) + run_time_left_ms(run, TIMEOUT_MS), out_output);
    return status == SESAME_OK ||
           reason_set(&run->reason,
                      status == SESAME_TIMED_OUT ? "%.100s did not end in time"
                                                 : "%.100s failed: see the log",
                      allowed);
}

void external_begin(struct run *run)
{
    struct credentials fresh = {0};
    uint64_t output = 0;
    bool ok = run_program(run, &output) && read_output(run, output, &fresh);

    run->instance->secret->free(run->instance->kit.host, output);
    if (!ok)
        credentials_clear(run->instance, &fresh);
    run_step_done(run, ok ? &fresh : NULL);
}
