/* What other servers of the protocol do differently or wrong, played on demand. */
#include "local-cloud/model_quirks.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "local-cloud/memory.h"

#include <stddef.h>
#include <string.h>

static const char *const quirk_names[QUIRK_COUNT] = {
    [QUIRK_ARGS_BYTEWISE] = "args-bytewise",
    [QUIRK_ARGS_OBJECT] = "args-object",
    [QUIRK_ARGS_GLUED] = "args-glued",
    [QUIRK_BAD_ARGS] = "bad-args",
    [QUIRK_ONE_DELTA] = "one-delta",
    [QUIRK_INDEX_MISSING] = "index-missing",
    [QUIRK_INDEX_ZERO] = "index-zero",
    [QUIRK_ID_MISSING] = "id-missing",
    [QUIRK_NAME_REPEATED] = "name-repeated",
    [QUIRK_FUNCTION_EMPTY] = "function-empty",
    [QUIRK_CALLS_AS_TEXT] = "calls-as-text",
    [QUIRK_UNKNOWN_TOOL] = "unknown-tool",
    [QUIRK_ENDLESS_CALLS] = "endless-calls",
    [QUIRK_FINISH_STOP] = "finish-stop",
    [QUIRK_FINISH_CALLS] = "finish-calls",
    [QUIRK_FINISH_MISSING] = "finish-missing",
    [QUIRK_LENGTH] = "length",
    [QUIRK_CONTENT_FILTER] = "content-filter",
    [QUIRK_NO_DONE] = "no-done",
    [QUIRK_REASONING_FIELD] = "reasoning",
    [QUIRK_USAGE_NO_CHOICES] = "usage-no-choices",
    [QUIRK_TIMINGS] = "timings",
    [QUIRK_NO_SPACE] = "no-space",
    [QUIRK_CRLF] = "crlf",
    [QUIRK_COMMENTS] = "comments",
    [QUIRK_WIRE_BYTEWISE] = "wire-bytewise",
    [QUIRK_CUT] = "cut",
    [QUIRK_MALFORMED] = "malformed",
    [QUIRK_ERROR_EVENT] = "error-event",
    [QUIRK_SHORT_CONTEXT] = "short-context",
    [QUIRK_NO_AUTO_TOOLS] = "no-auto-tools",
    [QUIRK_SSE_400] = "sse-400",
    [QUIRK_ARREARAGE] = "arrearage",
    [QUIRK_INSPECTION] = "inspection",
    [QUIRK_403] = "403",
    [QUIRK_429] = "429",
    [QUIRK_500] = "500",
    [QUIRK_ERROR_NUMBER] = "error-number",
    [QUIRK_ERROR_TEXT] = "error-text",
    [QUIRK_ERROR_NATIVE] = "error-native",
    [QUIRK_ERROR_HTML] = "error-html",
    [QUIRK_ERROR_EMPTY] = "error-empty",
};

static bool add_one(struct model_quirks *quirks, const char *name, size_t len, struct error *err)
{
    CLEANUP(cleanup_free) char *text = must_copy_bytes(name, len);
    const char *nearest;

    for (size_t i = 0; i < QUIRK_COUNT; i++)
        if (strcmp(quirk_names[i], text) == 0) {
            quirks->is_on[i] = true;
            return true;
        }
    nearest = text_nearest(text, quirk_names, QUIRK_COUNT);
    return error_set(err, ERROR_BAD_INPUT, "there is no quirk %.40s%s%s", text,
                     nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
}

bool model_quirks_add(struct model_quirks *quirks, const char *names, struct error *err)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ,+");

        if (len > 0 && !add_one(quirks, names, len, err))
            return false;
        names += len + (names[len] != '\0');
    }
    return true;
}

bool model_quirks_names_model(const char *model)
{
    struct model_quirks quirks = {{false}};
    struct error ignored = {0};

    return strncmp(model, "quirk-", 6) == 0 && model[6] != '\0' &&
           model_quirks_add(&quirks, model + 6, &ignored);
}
