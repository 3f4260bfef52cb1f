/* The system calls a plugin's process may make. */
#include "sandbox/syscall_filter.h"

#include "sandbox/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

/* Memory, time, threads of its own, waiting, and the descriptors it has: what computing needs. */
static const char *const always[] = {
    "brk",          "clock_getres",   "clock_gettime", "clock_nanosleep",
    "close",        "epoll_ctl",      "epoll_pwait",   "epoll_pwait2",
    "epoll_wait",   "exit",           "exit_group",    "fstat",
    "futex",        "getpid",         "getrandom",     "gettid",
    "gettimeofday", "lseek",          "madvise",       "mremap",
    "munmap",       "nanosleep",      "poll",          "ppoll",
    "read",         "recvfrom",       "recvmsg",       "restart_syscall",
    "rseq",         "rt_sigprocmask", "rt_sigreturn",  "sched_getaffinity",
    "sched_yield",  "sendmsg",        "sendto",        "set_robust_list",
    "sigaltstack",  "time",           "write",         "writev",
};

#define CLONE_NOT                                                                              \
    (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
     CLONE_NEWCGROUP | CLONE_PTRACE | CLONE_VFORK | CLONE_PARENT)

/* Of open(2): none of them, so that a file is there to be read. */
#define WRITE_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC)

/* What dlopen and the second step need besides. */
static const char *const loading[] = {
    "access",
    "faccessat",
    "faccessat2",
    "fcntl",
    "getcwd",
    "getdents64",
    "newfstatat",
    "pread64",
    "readlink",
    "readlinkat",
    "stat",
    "statx",
    "seccomp",
    "rt_sigaction",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
};

/* What a program needs besides: to start, to open files for reading, to know itself, and to wait in
 * all the ways there are. No socket, no process, no file to write. */
static const char *const programs[] = {
    "access",
    "alarm",
    "arch_prctl",
    "capget",
    "dup",
    "dup2",
    "dup3",
    "epoll_create1",
    "eventfd2",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fcntl",
    "fstatfs",
    "fsync",
    "getcpu",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getitimer",
    "getpgrp",
    "getppid",
    "getpriority",
    "getresgid",
    "getresuid",
    "getrusage",
    "getsid",
    "getuid",
    "getxattr",
    "lgetxattr",
    "lstat",
    "membarrier",
    "mincore",
    "mmap",
    "mprotect",
    "newfstatat",
    "pause",
    "pipe",
    "pipe2",
    "pread64",
    "preadv",
    "pselect6",
    "readlink",
    "readlinkat",
    "readv",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sched_getparam",
    "sched_getscheduler",
    "select",
    "set_tid_address",
    "setitimer",
    "stat",
    "statfs",
    "statx",
    "sysinfo",
    "timer_create",
    "timer_delete",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_settime",
    "times",
    "umask",
    "uname",
};

static bool allow(scmp_filter_ctx filter, const char *name, unsigned count,
                  const struct scmp_arg_cmp *conditions)
{
    int number = seccomp_syscall_resolve_name(name);

    /* Not every machine has every call. */
    return number < 0 ||
           seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions) == 0;
}

static bool allow_all(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!allow(filter, names[i], 0, NULL))
            return false;
    return true;
}

static bool allow_for_all(scmp_filter_ctx filter)
{
    /* Threads, not processes, and in no new namespace. */
    const struct scmp_arg_cmp thread =
        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NOT, CLONE_THREAD);
    /* abort(3), and nobody else's signals. */
    const struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
    /* Asking for a limit of its own, not setting one. */
    const struct scmp_arg_cmp ask[] = {SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0)};

    return allow(filter, "clone", 1, &thread) && allow(filter, "tgkill", 1, &own) &&
           allow(filter, "prlimit64", 2, ask);
}

static bool allow_for_library(scmp_filter_ctx filter, bool is_loading)
{
    /* The two signals by which the C library's threads speak to one another: it sets their handlers
     * with the first thread. */
    const struct scmp_arg_cmp cancelling = SCMP_A0(SCMP_CMP_EQ, 32, 0);
    const struct scmp_arg_cmp set_user = SCMP_A0(SCMP_CMP_EQ, 33, 0);
    /* libseccomp's own, when the second filter is put on. */
    const struct scmp_arg_cmp no_privileges = SCMP_A0(SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS, 0);
    const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp read_only = SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY);

    return (is_loading || (allow(filter, "rt_sigaction", 1, &cancelling) &&
                           allow(filter, "rt_sigaction", 1, &set_user))) &&
           allow(filter, "mmap", is_loading ? 0 : 1, &no_code) &&
           allow(filter, "mprotect", is_loading ? 0 : 1, &no_code) &&
           (!is_loading ||
            (allow(filter, "openat", 1, &read_only) && allow(filter, "prctl", 1, &no_privileges)));
}

static bool allow_for_program(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp open_only = SCMP_A1(SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY);
    const struct scmp_arg_cmp openat_only = SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY);
    const struct scmp_arg_cmp become[] = {SCMP_A0(SCMP_CMP_EQ, GUARD_PROGRAM_FD, 0),
                                          SCMP_A4(SCMP_CMP_EQ, AT_EMPTY_PATH, 0)};
    /* Whether a descriptor is a terminal and how much can be read from it, and ways of its own. */
    static const unsigned long requests[] = {TCGETS, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
    const struct scmp_arg_cmp set_name = SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0);

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const struct scmp_arg_cmp request = SCMP_A1(SCMP_CMP_EQ, requests[i], 0);

        if (!allow(filter, "ioctl", 1, &request))
            return false;
    }
    return allow(filter, "open", 1, &open_only) && allow(filter, "openat", 1, &openat_only) &&
           allow(filter, "execveat", 2, become) && allow(filter, "prctl", 1, &set_name);
}

/* ---- what is refused is counted -------------------------------------------------------------- */

static atomic_int refused_count;
static atomic_int refused_number = -1;

/* The call did not happen; it seems to have failed with EPERM. */
static void on_refused(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *state = context;

    (void)signal_number;
    atomic_store(&refused_number, info->si_syscall);
    atomic_fetch_add(&refused_count, 1);
#if defined(__x86_64__)
    state->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    state->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
    (void)state;
    _exit(128 + SIGSYS);
#endif
}

int syscall_filter_refused(int *out_number)
{
    *out_number = atomic_load(&refused_number);
    return atomic_exchange(&refused_count, 0);
}

void syscall_filter_name(int number, char *out, int size)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

    if (name == NULL)
        (void)snprintf(out, (size_t)size, "%d", number);
    else
        (void)snprintf(out, (size_t)size, "%s", name);
    free(name);
}

/* ---- putting it on --------------------------------------------------------------------------- */

static bool allow_kind(scmp_filter_ctx filter, enum syscall_filter kind)
{
    if (!allow_all(filter, always, sizeof always / sizeof always[0]) || !allow_for_all(filter))
        return false;
    if (kind == FILTER_PROGRAM)
        return allow_all(filter, programs, sizeof programs / sizeof programs[0]) &&
               allow_for_program(filter);
    return (kind == FILTER_FINAL ||
            allow_all(filter, loading, sizeof loading / sizeof loading[0])) &&
           allow_for_library(filter, kind == FILTER_LOADING);
}

bool syscall_filter_load(enum syscall_filter kind)
{
    /* The C library tries clone3 first, whose flags lie in memory where no filter can look, and
     * takes clone when there is no such call. */
    int clone3 = seccomp_syscall_resolve_name("clone3");
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER};
    /* A handler is gone once another program is executed, and it would die of the signal. */
    scmp_filter_ctx filter =
        seccomp_init(kind == FILTER_PROGRAM ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_TRAP);
    bool ok;

    if (filter == NULL)
        return false;
    /* The second time too: the library's constructors may have set their own. */
    (void)sigaction(SIGSYS, &action, NULL);
    /* All threads, or none: a constructor may have started some. */
    ok = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
         seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
         (clone3 < 0 || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), clone3, 0) == 0) &&
         allow_kind(filter, kind) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}
