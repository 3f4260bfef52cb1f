/* @NAME@ in a scripted host: no sesame, no network, no waiting. Usage: plugin-test ./@NAME@.so */
#include <sesame/plugin_test.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                        \
    do {                                                                                   \
        if (!(what)) {                                                                     \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

static struct sesame_test_host *host;

static struct sesame_test_call *call(struct sesame_test_instance *tool, const char *arguments)
{
    struct sesame_test_call *made = sesame_test_call(tool, "count_words", arguments, NULL);

    (void)sesame_test_wait(made);
    return made;
}

int main(int argc, char **argv)
{
    const struct sesame_test_options small = {.config = "{\"max_words\": 2}"};
    const struct sesame_test_options wrong = {.config = "{\"max_words\": 0}"};
    const struct sesame_plugin *plugin;
    struct sesame_test_instance *tool;
    struct sesame_test_call *made;
    size_t count;

    CHECK(argc == 2);
    host = sesame_test_host_new(1);
    plugin = sesame_test_load(host, argv[1]);
    if (plugin == NULL || (tool = sesame_test_create(host, plugin, NULL)) == NULL) {
        fprintf(stderr, "%s\n", sesame_test_error(host));
        return 1;
    }

    CHECK(sesame_test_list(tool, &count) != NULL && count == 1);
    made = call(tool, "{\"text\": \" one  two\\nthree \"}");
    CHECK(sesame_test_status(made) == SESAME_OK);
    CHECK(strcmp(sesame_test_text(made), "3 words") == 0);
    CHECK(sesame_test_status(call(tool, "{}")) == SESAME_BAD_INPUT);

    CHECK(sesame_test_create(host, plugin, &wrong) == NULL);
    tool = sesame_test_create(host, plugin, &small);
    made = call(tool, "{\"text\": \"one two three\"}");
    CHECK(sesame_test_status(made) == SESAME_OK && sesame_test_is_error(made));

    /* Nothing that a plugin must not do was done. */
    CHECK(sesame_test_fault_count(host) == 0);
    sesame_test_host_free(host);
    puts("@NAME@: all is well");
    return 0;
}
