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

/* The text lies in the configuration, how often it is said in the arguments. */
static int32_t greet(struct sesame_simple_call *call)
{
    char *greeting = sesame_simple_get_text(call, call->config, "/greeting");
    double times = sesame_simple_get_number(call, call->arguments, "/times", 1);

    if (greeting == NULL)
        return SESAME_INTERNAL;
    for (; times > 0; times--)
        sesame_simple_print(call, greeting);
    free(greeting);
    return SESAME_OK;
}

static int32_t mistake(struct sesame_simple_call *call)
{
    call->is_error = 1;
    sesame_simple_print(call, "try \"again\"");
    return SESAME_OK;
}

/* Works until nobody wants it any more. */
static int32_t work(struct sesame_simple_call *call)
{
    while (!sesame_simple_is_cancelled(call))
        ;
    return SESAME_CANCELLED;
}

static const struct sesame_simple_function functions[] = {
    {"echo", "Returns its \"arguments\".", "{\"type\":\"object\"}", echo},
    {"refuse", "Refuses.", "{\"type\":\"object\"}", refuse},
    {"greet", "Greets.", "{\"type\":\"object\"}", greet},
    {"mistake", "Makes one.", "{\"type\":\"object\"}", mistake},
    {"work", "Works\twithout end.", "{\"type\":\"object\"}", work},
    {NULL, NULL, NULL, NULL},
};

SESAME_SIMPLE_TOOL("simple", "1", "Echoes.",
                   "{\"type\":\"object\",\"properties\":{\"greeting\":{\"type\":\"string\","
                   "\"default\":\"hi\"}},\"additionalProperties\":false}",
                   functions)
