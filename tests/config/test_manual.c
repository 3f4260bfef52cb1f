/* The manual pages and the program name the same keys, commands and options. */
#include "../support/run.h"

#include "base/buffer.h"
#include "base/error.h"
#include "config/host_config.h"
#include "config/problems.h"
#include "config/reader.h"
#include "config/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_COUNT 300

/* A set of short texts. */
struct names {
    size_t count;
    char items[NAME_MAX_COUNT][100];
};

static struct names in_code, in_manual;

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void add(struct names *names, const char *name)
{
    if (has(names, name))
        return;
    ck_assert_uint_lt(names->count, NAME_MAX_COUNT);
    snprintf(names->items[names->count++], sizeof names->items[0], "%s", name);
}

static void set_up(void)
{
    memset(&in_code, 0, sizeof in_code);
    memset(&in_manual, 0, sizeof in_manual);
}

/* What is in `found` and not in `wanted`, for a message. */
static const char *missing(const struct names *found, const struct names *wanted)
{
    static char text[4000];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < found->count; i++)
        if (!has(wanted, found->items[i]) && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", found->items[i]);
    return text;
}

/* ---- manual pages ---------------------------------------------------------------------------- */

static FILE *open_page(const char *name)
{
    const char *top = getenv("SESAME_TEST_SRCDIR");
    char path[600];
    FILE *file;

    snprintf(path, sizeof path, "%s/doc/man/%s", top == NULL ? "." : top, name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    return file;
}

/* The first word of each line that begins with `mark`. */
static void read_page(const char *page, const char *mark, struct names *out)
{
    FILE *file = open_page(page);
    char line[500];

    while (fgets(line, sizeof line, file) != NULL) {
        char *word = line + strlen(mark);

        if (strncmp(line, mark, strlen(mark)) != 0)
            continue;
        word[strcspn(word, " \n")] = '\0';
        add(out, word);
    }
    fclose(file);
}

/* ---- sesame.json(5) -------------------------------------------------------------------------- */

/* Every object that the host file can have; names that the operator chooses are NAME and ID. */
static const char whole_file[] =
    "{\"inbound\":{},\"model\":{\"thinking\":{}},\"compat\":{},\"web\":{},\"limits\":{},\"log\":{},"
    "\"audit\":{},\"metrics\":{},\"plugins\":{\"defaults\":{},\"settings\":{\"ID\":{}}},"
    "\"credential_providers\":{\"NAME\":{\"plugin\":\"p\"}},"
    "\"credentials\":{\"NAME\":{\"kind\":\"api-key\",\"attach\":{}},"
    "\"N2\":{\"kind\":\"oauth-token\",\"request\":{}},\"N3\":{\"kind\":\"jwt\",\"request\":{}}},"
    "\"tools\":{\"NAME\":{\"plugin\":\"p\",\"program\":{}}}}";

void __real_place_check_keys(const struct place *place, const char *const *names, size_t count);
void __wrap_place_check_keys(const struct place *place, const char *const *names, size_t count);

/* The linker puts it in front of the one that the code calls (ld(1), --wrap). */
void __wrap_place_check_keys(const struct place *place, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[300];
        char *at;

        snprintf(name, sizeof name, "%s.%s", place->path + 1, names[i]);
        at = strstr(name, ".N2.");
        if (at == NULL)
            at = strstr(name, ".N3.");
        if (at != NULL) {
            memmove(at + 5, at + 3, strlen(at + 3) + 1);
            memcpy(at, ".NAME", 5);
        }
        add(&in_code, name + 1);
    }
    __real_place_check_keys(place, names, count);
}

/* The example of a page: the lines between .Bd and .Ed, without their escapes. */
static void read_example(const char *page, char *out, size_t size)
{
    FILE *file = open_page(page);
    bool is_inside = false;
    char line[500];
    size_t len = 0;

    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, ".Ed", 3) == 0)
            break;
        for (const char *at = line; is_inside && *at != '\0'; at++) {
            out[len++] = *at;
            at += at[0] == '\\' && at[1] == 'e';
            ck_assert_uint_lt(len, size - 1);
        }
        is_inside = is_inside || strncmp(line, ".Bd", 3) == 0;
    }
    out[len] = '\0';
    ck_assert_uint_gt(len, 100);
    fclose(file);
}

static const char *no_variable(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

START_TEST(the_manual_names_every_key_of_the_host_file_and_no_other)
{
    static const struct config_source source = {.get_env = no_variable};
    struct problems problems;

    problems_init(&problems);
    host_config_free(
        host_config_parse("sesame.json", whole_file, strlen(whole_file), &source, &problems));
    problems_clear(&problems);
    ck_assert_uint_gt(in_code.count, 80);
    read_page("sesame.json.5", ".It Cm ", &in_manual);
    ck_assert_msg(missing(&in_code, &in_manual)[0] == '\0', "not in the manual:%s",
                  missing(&in_code, &in_manual));
    ck_assert_msg(missing(&in_manual, &in_code)[0] == '\0', "not in the code:%s",
                  missing(&in_manual, &in_code));
}
END_TEST

START_TEST(the_example_of_a_host_file_is_one)
{
    static const struct config_source source = {.get_env = no_variable};
    struct problems problems;
    struct host_config *config;
    char text[4000];

    read_example("sesame.json.5", text, sizeof text);
    problems_init(&problems);
    config = host_config_parse("sesame.json", text, strlen(text), &source, &problems);
    ck_assert_msg(problems.count == 0, "%s: %s", problems.items[0].path, problems.items[0].what);
    ck_assert(host_config_complete(config, NULL, &problems));
    host_config_free(config);
    problems_clear(&problems);
}
END_TEST

/* ---- sesame-plugin(7) ------------------------------------------------------------------------ */

START_TEST(the_example_of_a_plugin_compiles)
{
    const char *top = getenv("SESAME_TEST_SRCDIR");
    char text[4000], command[600];
    FILE *compiler;

    read_example("sesame-plugin.7", text, sizeof text);
    snprintf(
        command, sizeof command,
        "cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -I%s/plugins/include -x c -",
        top == NULL ? "." : top);
    compiler = popen(command, "w");
    ck_assert_int_ge(fputs(text, compiler), 0);
    ck_assert_int_eq(pclose(compiler), 0);
}
END_TEST

/* Of a header: what is defined to a text that ends with "/1". */
static void read_services(const char *header, struct names *out)
{
    const char *top = getenv("SESAME_TEST_SRCDIR");
    char path[600], line[500];
    FILE *file;

    snprintf(path, sizeof path, "%s/plugins/include/sesame/%s", top == NULL ? "." : top, header);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *begin = strstr(line, " \"sesame."), *end = strstr(line, "/1\"\n");

        if (strncmp(line, "#define", 7) != 0 || begin == NULL || end == NULL)
            continue;
        end[2] = '\0';
        add(out, begin + 2);
    }
    fclose(file);
}

START_TEST(the_manual_names_every_service_and_interface)
{
    static const char *const headers[] = {"tool.h", "credential_provider.h", "services.h",
                                          "program.h"};

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        read_services(headers[i], &in_code);
    ck_assert_uint_ge(in_code.count, 14);
    read_page("sesame-plugin.7", ".It Li ", &in_manual);
    ck_assert_msg(missing(&in_code, &in_manual)[0] == '\0', "not in the manual:%s",
                  missing(&in_code, &in_manual));
}
END_TEST

/* ---- sesame(1) ------------------------------------------------------------------------------- */

/* "plugin list | show ID | sign, verify --key FILE: ..." gives "plugin-list", "plugin-show", ... */
static void read_words(const char *name, char *summary)
{
    size_t len = strlen(name);
    char *state = NULL;

    if (strncmp(summary, name, len) != 0 || summary[len] != ' ')
        return;
    summary[strcspn(summary, ":\n")] = '\0';
    for (char *word = strtok_r(summary + len, " ,", &state); word != NULL;
         word = strtok_r(NULL, " ,", &state)) {
        char both[80];

        if (strcmp(word, name) == 0 || strspn(word, "abcdefghijklmnopqrstuvwxyz") != strlen(word))
            continue;
        snprintf(both, sizeof both, "%s-%s", name, word);
        add(&in_code, both);
    }
}

/* Commands, their words, and options, of sesame --help. */
static void read_help(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[600], line[300], name[40];
    FILE *help;

    snprintf(command, sizeof command, "%s/sesame --help", build == NULL ? "." : build);
    help = popen(command, "r");
    while (fgets(line, sizeof line, help) != NULL) {
        for (const char *at = line; (at = strstr(at, "--")) != NULL; at += strlen(name)) {
            snprintf(name, sizeof name, "%.*s", (int)strspn(at, "-abcdefghijklmnopqrstuvwxyz"), at);
            add(&in_code, name);
        }
        if (strncmp(line, "  ", 2) != 0 || line[2] < 'a' || line[2] > 'z')
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 2, " "), line + 2);
        add(&in_code, name);
        read_words(name, line + 2 + strlen(name) + strspn(line + 2 + strlen(name), " "));
    }
    ck_assert_int_eq(pclose(help), 0);
}

/* ".It Ic plugin Cm list" and ".Ic plugin Cm list" give "plugin" and "plugin-list", "Fl -json"
 * gives
 * "--json". */
static void read_commands(void)
{
    FILE *page = open_page("sesame.1");
    char line[300], first[40], second[40], text[82];

    while (fgets(line, sizeof line, page) != NULL) {
        char *ic = strncmp(line, ".It Ic ", 7) == 0 ? line + 7 : NULL, *cm = strstr(line, " Cm ");

        if (strncmp(line, ".Ic ", 4) == 0)
            ic = line + 4;
        for (const char *fl = line; (fl = strstr(fl, "Fl -")) != NULL; fl++) {
            snprintf(text, sizeof text, "-%.*s", (int)strcspn(fl + 3, " \n"), fl + 3);
            add(&in_manual, text);
        }
        if (ic == NULL)
            continue;
        snprintf(first, sizeof first, "%.*s", (int)strcspn(ic, " \n"), ic);
        add(&in_manual, first);
        if (cm == NULL)
            continue;
        snprintf(second, sizeof second, "%.*s", (int)strcspn(cm + 4, " \n"), cm + 4);
        snprintf(text, sizeof text, "%s-%s", first, second);
        add(&in_manual, text);
    }
    fclose(page);
}

START_TEST(the_manual_names_every_command_and_option_and_no_other)
{
    read_help();
    ck_assert_uint_gt(in_code.count, 15);
    read_commands();
    ck_assert_msg(missing(&in_code, &in_manual)[0] == '\0', "not in the manual:%s",
                  missing(&in_code, &in_manual));
    add(&in_code, "--json"); /* of one command, which the help's line for it does not say */
    ck_assert_msg(missing(&in_manual, &in_code)[0] == '\0', "not in the help:%s",
                  missing(&in_manual, &in_code));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_manual_names_every_key_of_the_host_file_and_no_other,
        the_example_of_a_host_file_is_one,
        the_example_of_a_plugin_compiles,
        the_manual_names_every_service_and_interface,
        the_manual_names_every_command_and_option_and_no_other,
        NULL,
    };

    return run_tests("manual", tests, set_up, NULL);
}
