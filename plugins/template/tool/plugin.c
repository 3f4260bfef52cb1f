/* @NAME@: a tool that counts the words of a text. Put what yours does in the place of count_words.
 *
 * A function may take its time: the plugin is placed on a thread or in a process of its own, and
 * is called for one call at a time. What the model, or the operator, gives was checked against the
 * schemas below before any code here runs. */
#include <sesame/simple_tool.h>

#include <stdio.h>

/* What the operator may configure: JSON Schema. The host sets the defaults and refuses the rest. */
static const char config_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"max_words\": {\"type\": \"integer\", \"minimum\": 1, \"default\": 1000000}}}";

/* What the model gives: JSON Schema too. It reads the descriptions. */
static const char count_words_parameters[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"text\": {\"type\": \"string\", \"description\": \"The text to count the words of.\"}},"
    "\"required\": [\"text\"]}";

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int32_t count_words(struct sesame_simple_call *call)
{
    double max_words = sesame_simple_get_number(call, call->config, "/max_words", 1);
    char *text = sesame_simple_get_text(call, call->arguments, "/text");
    unsigned long words = 0;
    char answer[80];
    size_t i;

    if (text == NULL)
        return SESAME_LIMIT; /* no memory: that it is there, and a text, the host has checked */
    for (i = 0; text[i] != '\0'; i++) {
        if (!is_blank(text[i]) && (i == 0 || is_blank(text[i - 1])))
            words++;
        /* Long work asks from time to time whether anybody still waits for it. */
        if (i % 65536 == 65535 && sesame_simple_is_cancelled(call)) {
            free(text);
            return SESAME_CANCELLED;
        }
    }
    free(text);
    if ((double)words > max_words) {
        /* The model reads this, and can do better. */
        call->is_error = 1;
        (void)snprintf(answer, sizeof answer, "more than %.0f words: give a shorter text",
                       max_words);
    } else {
        (void)snprintf(answer, sizeof answer, "%lu word%s", words, words == 1 ? "" : "s");
    }
    sesame_simple_print(call, answer);
    return SESAME_OK;
}

static const struct sesame_simple_function functions[] = {
    {"count_words", "Counts the words of a text.", count_words_parameters, count_words},
    {NULL, NULL, NULL, NULL},
};

/* The one thing that is exported. The id must be that of @NAME@.json. */
SESAME_SIMPLE_TOOL("@NAME@", "0.1", "Counts words.", config_schema, functions)
