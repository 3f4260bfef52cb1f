/* What other servers of the protocol do differently or wrong, played on demand (model-api.md
 * sections 1.3 to 1.5). Named in the switch model.quirks, or in a model name "quirk-NAME+NAME". */
#ifndef LOCAL_CLOUD_MODEL_QUIRKS_H
#define LOCAL_CLOUD_MODEL_QUIRKS_H

#include <stdbool.h>

enum model_quirk {
    QUIRK_ARGS_BYTEWISE = 1u << 0,   /* one character of the arguments in each delta */
    QUIRK_WIRE_BYTEWISE = 1u << 1,   /* one byte of the stream in each write */
    QUIRK_INDEX_MISSING = 1u << 2,   /* old Ollama */
    QUIRK_INDEX_ZERO = 1u << 3,      /* newer Ollama */
    QUIRK_FINISH_STOP = 1u << 4,     /* "stop" although there are tool calls */
    QUIRK_ONE_DELTA = 1u << 5,       /* each call whole in one delta */
    QUIRK_REASONING_FIELD = 1u << 6, /* vLLM: "reasoning" */
    QUIRK_NO_SPACE = 1u << 7,        /* "data:{" */
    QUIRK_CRLF = 1u << 8,
    QUIRK_COMMENTS = 1u << 9,
    QUIRK_NO_DONE = 1u << 10,
    QUIRK_SSE_400 = 1u << 11,
    QUIRK_CUT = 1u << 12,         /* breaks off in the middle */
    QUIRK_MALFORMED = 1u << 13,   /* an event that is no JSON */
    QUIRK_ERROR_EVENT = 1u << 14, /* an error in the middle of a good stream */
    QUIRK_429 = 1u << 15,         /* with Retry-After */
    QUIRK_500 = 1u << 16,
    QUIRK_UNKNOWN_TOOL = 1u << 17,  /* calls a tool that nobody offered */
    QUIRK_BAD_ARGS = 1u << 18,      /* arguments cut off, finish_reason tool_calls all the same */
    QUIRK_ENDLESS_CALLS = 1u << 19, /* calls again and again */
    QUIRK_SHORT_CONTEXT = 1u << 20, /* refuses messages of more than 4096 bytes of text */
};

/* The quirks that `names` lists, separated by blanks, commas or '+'; unknown names are passed
 * over. */
unsigned model_quirks_parse(const char *names);

/* True for "quirk-..." with at least one known name. */
bool model_quirks_names_model(const char *model);

#endif
