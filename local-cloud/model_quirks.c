/* What other servers of the protocol do differently or wrong, played on demand. */
#include "local-cloud/model_quirks.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    enum model_quirk quirk;
} quirks[] = {
    {"args-bytewise", QUIRK_ARGS_BYTEWISE},
    {"wire-bytewise", QUIRK_WIRE_BYTEWISE},
    {"index-missing", QUIRK_INDEX_MISSING},
    {"index-zero", QUIRK_INDEX_ZERO},
    {"finish-stop", QUIRK_FINISH_STOP},
    {"one-delta", QUIRK_ONE_DELTA},
    {"reasoning", QUIRK_REASONING_FIELD},
    {"no-space", QUIRK_NO_SPACE},
    {"crlf", QUIRK_CRLF},
    {"comments", QUIRK_COMMENTS},
    {"no-done", QUIRK_NO_DONE},
    {"sse-400", QUIRK_SSE_400},
    {"cut", QUIRK_CUT},
    {"malformed", QUIRK_MALFORMED},
    {"error-event", QUIRK_ERROR_EVENT},
    {"429", QUIRK_429},
    {"500", QUIRK_500},
    {"unknown-tool", QUIRK_UNKNOWN_TOOL},
    {"bad-args", QUIRK_BAD_ARGS},
    {"endless-calls", QUIRK_ENDLESS_CALLS},
    {"short-context", QUIRK_SHORT_CONTEXT},
};

unsigned model_quirks_parse(const char *names)
{
    unsigned found = 0;

    while (*names != '\0') {
        size_t len = strcspn(names, " ,+");

        for (size_t i = 0; i < sizeof quirks / sizeof quirks[0]; i++)
            if (strlen(quirks[i].name) == len && memcmp(quirks[i].name, names, len) == 0)
                found |= quirks[i].quirk;
        names += len + (names[len] != '\0');
    }
    return found;
}

bool model_quirks_names_model(const char *model)
{
    return strncmp(model, "quirk-", 6) == 0 && model_quirks_parse(model + 6) != 0;
}
