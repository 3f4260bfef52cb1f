/* Pages that only the start needed leave the process, and come back when they are needed. */
#include "base/start_pages.h"

#include "../support/run.h"

#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Resident KiB of the mappings of libcrypto, a large library, that cannot be written. */
static long long resident_code_kib(void)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    long long sum = 0;
    bool is_code = false;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        const char *access = strchr(line, ' ');

        if (access != NULL && (strncmp(access, " r-", 3) == 0 || strncmp(access, " rw", 3) == 0))
            is_code = access[2] == '-' && strstr(line, "libcrypto") != NULL;
        else if (is_code && strncmp(line, "Rss:", 4) == 0)
            sum += strtoll(line + 4, NULL, 10);
    }
    fclose(maps);
    return sum;
}

static void digest(unsigned char out[EVP_MAX_MD_SIZE])
{
    ck_assert_int_eq(EVP_Digest("sesame", 6, out, NULL, EVP_sha256(), NULL), 1);
}

START_TEST(code_leaves_and_comes_back)
{
    unsigned char before[EVP_MAX_MD_SIZE] = {0}, after[EVP_MAX_MD_SIZE] = {0};
    long long resident;

    digest(before);
    resident = resident_code_kib();
    ck_assert(start_pages_release());
    ck_assert_int_lt(resident_code_kib(), resident / 2);
    digest(after);
    ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

/* A debugger's breakpoints are changes in those pages. */
START_TEST(under_a_debugger_nothing_is_done)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(start_pages_release() ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {code_leaves_and_comes_back, under_a_debugger_nothing_is_done,
                                  NULL};

    return run_tests("start_pages", tests, NULL, NULL);
}
