/* What holds a plugin's process back, told by the program as an operator sees it: on a kernel that
 * lacks something, with "required" and without. */
#include "../support/run.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], output[40000];

/* Copies `file` of the build folder to the test's folder, as `name`. */
static void copy(const char *build, const char *file, const char *name)
{
    char command[1000];

    snprintf(command, sizeof command, "cp %s/%s %s/%s", build, file, folder, name);
    ck_assert_int_eq(system(command), 0);
}

/* The program with `sandbox` beside it as its child program, and a configuration with `tools`, of
 * `plugins` in the build folder. */
static void install_tools(const char *sandbox, const char *plugins, const char *tools)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char path[200];
    FILE *file;

    if (build == NULL)
        build = ".";
    snprintf(folder, sizeof folder, "/tmp/sesame-isolation-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    copy(build, "sesame", "sesame");
    copy(build, sandbox, "sesame-sandbox");
    snprintf(path, sizeof path, "%s/sesame.json", folder);
    file = fopen(path, "w");
    fprintf(file,
            "{\"listen\":\"127.0.0.1:0\",\"identity\":\"Machine\",\"inbound\":{\"issuer\":"
            "\"https://no.example\",\"jwks_url\":\"https://no.example/jwks\",\"audience\":\"a\","
            "\"scope\":\"s\"},\"credentials\":{},\"model\":{\"base_url\":\"https://no.example/v1\","
            "\"name\":\"m\"},\"log\":{\"format\":\"text\"},\"plugins\":{\"directory\":\"%s/%s\"},"
            "\"tools\":{%s}}",
            build, plugins, tools);
    fclose(file);
}

static void install(const char *sandbox, const char *isolation)
{
    char tools[200];

    snprintf(tools, sizeof tools,
             "\"evil\":{\"plugin\":\"aborts\",\"placement\":\"process\",\"isolation\":\"%s\","
             "\"config\":{}}",
             isolation);
    install_tools(sandbox, "hostile", tools);
}

static void tear_down(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* The exit status of `sesame tool list`, which makes the tools; what it says is in `output`. */
static int list_tools(void)
{
    char command[300];
    FILE *pipe;
    size_t len;

    snprintf(command, sizeof command, "%s/sesame tool list --config %s/sesame.json 2>&1", folder,
             folder);
    pipe = popen(command, "r");
    len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

START_TEST(where_nothing_is_missing_required_isolation_starts)
{
    install("sesame-sandbox", "required");
    ck_assert_msg(list_tools() == 0, "%s", output);
    ck_assert_ptr_nonnull(strstr(output, "act"));
}
END_TEST

START_TEST(required_isolation_that_is_incomplete_ends_the_start_and_names_what_is_missing)
{
    install("bare-sandbox", "required");
    ck_assert_int_ne(list_tools(), 0);
    ck_assert_msg(strstr(output,
                         "tools.evil: this kernel does not offer: landlock, undumpable; set "
                         "isolation to \"best-effort\" to go without") != NULL,
                  "%s", output);
}
END_TEST

/* ---- a host that goes without ---------------------------------------------------------------- */

static pid_t host;
static FILE *host_log;

static void start_host(void)
{
    char program[100], config[100];
    int ends[2];

    snprintf(program, sizeof program, "%s/sesame", folder);
    snprintf(config, sizeof config, "%s/sesame.json", folder);
    ck_assert_int_eq(pipe(ends), 0);
    host = fork();
    if (host == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execl(program, program, "serve", "--config", config, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    host_log = fdopen(ends[0], "r");
}

/* Reads the log up to a line that holds `words`, which is in `output` then. */
static int wait_for_line(const char *words, const char *count)
{
    int counted = 0;

    while (fgets(output, sizeof output, host_log) != NULL) {
        counted += strstr(output, count) != NULL;
        if (strstr(output, words) != NULL)
            return counted;
    }
    ck_abort_msg("the host ended without a word of %s", words);
}

static void get_ready(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t got;

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(write(fd, request, sizeof request - 1), sizeof request - 1);
    while ((got = read(fd, output + len, sizeof output - 1 - len)) > 0)
        len += (size_t)got;
    output[len] = '\0';
    close(fd);
}

/* Starts it, counts the lines of its start with `words` (one), and leaves what GET /ready says. */
static void serve_and_get_ready(const char *words)
{
    int port = 0;

    start_host();
    ck_assert_int_eq(wait_for_line("listening", words), 1);
    for (const char *at = strstr(output, "port=") + 5; *at >= '0' && *at <= '9'; at++)
        port = port * 10 + (*at - '0');
    get_ready(port);
}

static void end_host(void)
{
    kill(host, SIGTERM);
    ck_assert_int_eq(waitpid(host, NULL, 0), host);
    fclose(host_log);
}

START_TEST(best_effort_says_what_is_missing_once_at_the_start_and_in_ready)
{
    install("bare-sandbox", "best-effort");
    serve_and_get_ready("missing=\"landlock, undumpable\"");
    ck_assert_msg(strstr(output, "isolation of evil") != NULL, "%s", output);
    ck_assert_msg(strstr(output, "landlock, undumpable") != NULL, "%s", output);
    end_host();
}
END_TEST

/* ---- the program of a tool ------------------------------------------------------------------- */

#ifdef HAVE_CXX17
#define RUNS_CAT                                                                             \
    "\"copy\":{\"plugin\":\"command\",\"config\":{\"name\":\"copy\",\"description\":\"d\"}," \
    "\"program\":"                                                                           \
    "{\"path\":\"/usr/bin/cat\"}}"

START_TEST(a_granted_program_is_said_once_at_the_start_and_in_ready)
{
    install_tools("sesame-sandbox", "sesame-plugins", RUNS_CAT);
    serve_and_get_ready("program=\"/usr/bin/cat\"");
    ck_assert_msg(strstr(output, "program of copy") != NULL, "%s", output);
    ck_assert_msg(strstr(output, "isolation of copy") != NULL, "%s", output);
    end_host();
}
END_TEST

START_TEST(a_program_is_not_run_with_less_than_everything_whatever_the_configuration_says)
{
    install_tools("bare-sandbox", "sesame-plugins", RUNS_CAT);
    ck_assert_int_ne(list_tools(), 0);
    ck_assert_msg(strstr(output, "/usr/bin/cat is not run: this kernel does not offer: landlock") !=
                      NULL,
                  "%s", output);
}
END_TEST
#endif

int main(void)
{
    const TTest *const tests[] = {
        where_nothing_is_missing_required_isolation_starts,
        required_isolation_that_is_incomplete_ends_the_start_and_names_what_is_missing,
        best_effort_says_what_is_missing_once_at_the_start_and_in_ready,
#ifdef HAVE_CXX17
        a_granted_program_is_said_once_at_the_start_and_in_ready,
        a_program_is_not_run_with_less_than_everything_whatever_the_configuration_says,
#endif
        NULL,
    };

    return run_tests("isolation", tests, NULL, tear_down);
}
