/* sesame plugin new, from the build tree: what it makes, and what it refuses. */
#include "../support/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/sesame-new-XXXXXX";
static char printed[4096];

static void enter_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/sesame-new-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    umask(0); /* so that the modes are the program's own */
}

static void leave_folder(void)
{
    char command[60];

    ck_assert_int_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* The exit status; what it said is in `printed`. */
static int plugin_new(const char *words)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[900];
    FILE *output;
    size_t len;
    int status;

    snprintf(command, sizeof command, "%s/sesame plugin new %s 2>&1", build, words);
    output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    len = fread(printed, 1, sizeof printed - 1, output);
    printed[len] = '\0';
    status = pclose(output);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The file's text, for the caller to free. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);

    ck_assert_msg(file != NULL && text != NULL, "no %s", path);
    ck_assert_uint_gt(fread(text, 1, 65535, file), 0);
    fclose(file);
    return text;
}

static void expect_plugin(const char *kind)
{
    static const char *const names[] = {"plugin.c",    "a-1b.json", "test.c",
                                        "meson.build", "Makefile",  "README.md"};
    char words[60];
    struct stat status;

    snprintf(words, sizeof words, "%s a-1b", kind);
    ck_assert_msg(plugin_new(words) == 0, "%s", printed);
    ck_assert_ptr_nonnull(strstr(printed, "cd a-1b && make && make check"));
    ck_assert_int_eq(stat("a-1b", &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0755);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[60], *text;

        snprintf(path, sizeof path, "a-1b/%s", names[i]);
        text = read_file(path);
        ck_assert_msg(strstr(text, "a-1b") != NULL, "%s does not bear the name", path);
        ck_assert_msg(strstr(text, "@NAME@") == NULL, "%s has a mark left", path);
        free(text);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 07777, 0644);
    }
}

START_TEST(a_tool_is_made)
{
    char *text;

    expect_plugin("tool");
    text = read_file("a-1b/a-1b.json");
    ck_assert_ptr_nonnull(strstr(text, "sesame.tool/1"));
    free(text);
}
END_TEST

START_TEST(a_credential_provider_is_made)
{
    char *text;

    expect_plugin("credential-provider");
    free(read_file("a-1b/provider.h"));
    text = read_file("a-1b/a-1b.json");
    ck_assert_ptr_nonnull(strstr(text, "sesame.credential-provider/1"));
    free(text);
}
END_TEST

START_TEST(what_is_there_is_left_alone)
{
    char *text;

    ck_assert_int_eq(system("mkdir there && echo mine >there/plugin.c && echo mine >file"), 0);
    ck_assert_int_eq(plugin_new("tool there"), 2);
    ck_assert_ptr_nonnull(strstr(printed, "\"there\" already: choose another name"));
    ck_assert_int_eq(plugin_new("tool file"), 2);
    text = read_file("there/plugin.c");
    ck_assert_str_eq(text, "mine\n");
    free(text);
    ck_assert_int_ne(access("there/Makefile", F_OK), 0);
}
END_TEST

START_TEST(bad_names_are_refused_and_leave_nothing)
{
    static const char *const names[] = {
        "Tool",    "7up",
        "up-",     "a_b",
        "a.b",     "../x",
        "/tmp/x",  "\"\"",
        "\"a b\"", "x2345678901234567890123456789012345678901234567890123456789012345"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[100];

        snprintf(words, sizeof words, "tool %s", names[i]);
        ck_assert_msg(plugin_new(words) == 2, "%s: %s", names[i], printed);
        ck_assert_msg(strstr(printed, "is no name for a plugin: wanted are 1 to 64") != NULL, "%s",
                      printed);
    }
    ck_assert_int_eq(rmdir(folder), 0); /* it is empty */
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

START_TEST(the_longest_name_is_taken)
{
    ck_assert_int_eq(
        plugin_new("tool x234567890123456789012345678901234567890123456789012345678901234"), 0);
}
END_TEST

START_TEST(other_words_are_wrong_use)
{
    ck_assert_int_eq(plugin_new("toll x"), 2);
    ck_assert_ptr_nonnull(strstr(printed, "it is tool or credential-provider"));
    ck_assert_int_eq(plugin_new("tool"), 2);
    ck_assert_ptr_nonnull(strstr(printed, "usage:"));
    ck_assert_int_eq(plugin_new("tool x y"), 2);
    ck_assert_ptr_nonnull(strstr(printed, "usage:"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_tool_is_made,
                                  a_credential_provider_is_made,
                                  what_is_there_is_left_alone,
                                  bad_names_are_refused_and_leave_nothing,
                                  the_longest_name_is_taken,
                                  other_words_are_wrong_use,
                                  NULL};

    return run_tests("plugin_new", tests, enter_folder, leave_folder);
}
