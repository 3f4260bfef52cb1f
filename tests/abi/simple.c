/* A tool on the convenience header; C99 and C++17 must both take it without a warning. */
#include <sesame/simple_tool.h>

static int32_t echo(struct sesame_simple_call *call)
{
    sesame_simple_progress(call, "echoing");
    if (sesame_simple_is_cancelled(call))
        return SESAME_CANCELLED;
    sesame_simple_write(call, call->arguments.data, call->arguments.len);
    sesame_simple_print(call, "\n\t");
    return SESAME_OK;
}

static int32_t refuse(struct sesame_simple_call *call)
{
    sesame_simple_print(call, "refused");
    return SESAME_DENIED;
}

static const struct sesame_simple_function functions[] = {
    {"echo", "Returns its \"arguments\".", "{\"type\":\"object\"}", echo},
    {"refuse", "Refuses.", "{\"type\":\"object\"}", refuse},
    {NULL, NULL, NULL, NULL},
};

SESAME_SIMPLE_TOOL("simple", "1", "Echoes.", "{\"type\":\"object\"}", functions)
