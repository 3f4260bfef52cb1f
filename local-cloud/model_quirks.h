/* What other servers of the protocol do differently or wrong, played on demand (model-api.md
 * sections 1.3 to 1.5). Named in the switch model.quirks, or in a model name "quirk-NAME+NAME". */
#ifndef LOCAL_CLOUD_MODEL_QUIRKS_H
#define LOCAL_CLOUD_MODEL_QUIRKS_H

#include <stdbool.h>

struct error;

enum model_quirk {
    /* how tool calls come */
    QUIRK_ARGS_BYTEWISE, /* one character of the arguments in each delta */
    QUIRK_ARGS_OBJECT,   /* arguments as an object instead of text, like native Ollama */
    QUIRK_ARGS_GLUED,    /* all calls of a function in one, without an id: a proxy's fault */
    QUIRK_BAD_ARGS,      /* arguments cut off, finish_reason tool_calls all the same */
    QUIRK_ONE_DELTA,     /* each call whole in one delta */
    QUIRK_INDEX_MISSING, /* old Ollama */
    QUIRK_INDEX_ZERO,    /* newer Ollama */
    QUIRK_ID_MISSING,
    QUIRK_NAME_REPEATED,  /* in each delta */
    QUIRK_FUNCTION_EMPTY, /* "function":{} in one more delta, as Model Studio does */
    QUIRK_CALLS_AS_TEXT,  /* llama.cpp without a template: the call stands in the text */
    QUIRK_UNKNOWN_TOOL,   /* calls a tool that nobody offered */
    QUIRK_ENDLESS_CALLS,  /* calls again and again */
    /* how an answer ends */
    QUIRK_FINISH_STOP,    /* "stop" although there are tool calls */
    QUIRK_FINISH_CALLS,   /* "tool_calls" although there are none: vLLM */
    QUIRK_FINISH_MISSING, /* no finish_reason anywhere */
    QUIRK_LENGTH,         /* cut in the middle, finish_reason length */
    QUIRK_CONTENT_FILTER, /* the same with content_filter */
    QUIRK_NO_DONE,
    /* what stands in the stream besides */
    QUIRK_REASONING_FIELD,  /* vLLM: "reasoning" */
    QUIRK_USAGE_NO_CHOICES, /* the chunk with usage lacks "choices" */
    QUIRK_TIMINGS,          /* llama.cpp: a member that nobody knows */
    QUIRK_NO_SPACE,         /* "data:{" */
    QUIRK_CRLF,
    QUIRK_COMMENTS,
    QUIRK_WIRE_BYTEWISE, /* one byte of the stream in each write */
    /* failures in the middle */
    QUIRK_CUT,         /* breaks off */
    QUIRK_MALFORMED,   /* an event that is no JSON */
    QUIRK_ERROR_EVENT, /* an error in the middle of a good stream */
    /* failures at once */
    QUIRK_SHORT_CONTEXT, /* takes 4096 bytes of messages at most */
    QUIRK_NO_AUTO_TOOLS, /* vLLM without a tool parser */
    QUIRK_SSE_400,       /* an error as an event */
    QUIRK_ARREARAGE,     /* 400, the account is overdue */
    QUIRK_INSPECTION,    /* 400, the content filter refuses the question */
    QUIRK_403,
    QUIRK_429, /* with Retry-After */
    QUIRK_500,
    QUIRK_ERROR_NUMBER, /* llama.cpp: "code" is a number */
    QUIRK_ERROR_TEXT,   /* "error" is a text */
    QUIRK_ERROR_NATIVE, /* code and message at the top */
    QUIRK_ERROR_HTML,   /* from a proxy */
    QUIRK_ERROR_EMPTY,
    QUIRK_COUNT,
};

/* A set of quirks. */
struct model_quirks {
    bool is_on[QUIRK_COUNT];
};

/* Turns on the quirks that `names` lists, separated by blanks, commas or '+'. False when one is not
 * known: it is named with the nearest that is. Those before it are on. */
bool model_quirks_add(struct model_quirks *quirks, const char *names, struct error *err);

/* True for "quirk-..." with known names only. */
bool model_quirks_names_model(const char *model);

#endif
