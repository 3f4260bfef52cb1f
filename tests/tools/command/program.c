/* The program of test_command: does what its first argument says. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern char **environ;

static bool got_something;

/* `result` as system calls give it: what did not fail is told. */
static void got(const char *what, long result)
{
    if (result < 0)
        return;
    got_something = true;
    printf("%s ", what);
}

/* For what would do harm if it worked: called so that it cannot, it fails for another reason than
 * that it is not allowed. */
static void reached(const char *what, long result)
{
    got(what, result < 0 && (errno == EPERM || errno == EACCES) ? -1 : 0);
}

static long try_open(const char *path, int flags)
{
    return open(path, flags, 0600);
}

static long try_of(pid_t pid, const char *name)
{
    char path[60];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return open(path, O_RDONLY);
}

/* ---- what it must not reach ------------------------------------------------------------------ */

static void reach_files(void)
{
    char byte = 'x';

    got("passwd", try_open("/etc/passwd", O_RDONLY));
    got("root", try_open("/", O_RDONLY | O_DIRECTORY));
    got("home", try_open("/root", O_RDONLY | O_DIRECTORY));
    got("tmp", try_open("/tmp", O_RDONLY | O_DIRECTORY));
    got("device", try_open("/dev/null", O_RDWR));
    got("create", try_open("/tmp/sesame-command-test", O_WRONLY | O_CREAT));
    got("unnamed", try_open("/tmp", O_RDWR | O_TMPFILE));
    got("libraries", try_open("/usr/lib/x", O_WRONLY | O_CREAT));
    got("self", try_open("/proc/self/mem", O_RDWR));
    got("input", write(STDIN_FILENO, &byte, 1));
    reached("link", symlink("", ""));
    reached("folder", mkdir("", 0700));
    reached("unlink", unlink(""));
    reached("rename", rename("", ""));
    reached("mode", chmod("", 0777));
    reached("owner", chown("", 0, 0));
    got("memory", syscall(SYS_memfd_create, "x", 0u));
    reached("uring", syscall(SYS_io_uring_setup, 1u, NULL));
    reached("mount", syscall(SYS_mount, NULL, NULL, NULL, 0ul, NULL));
    reached("chroot", chroot(""));
    for (int fd = 3; fd < 1024; fd++)
        got("descriptor", fcntl(fd, F_GETFD));
}

static void reach_others(void)
{
    pid_t host = getppid();
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&environ, 1};

    got("variables", environ[0] != NULL ? 0 : -1);
    got("environ", try_of(host, "environ"));
    got("mem", try_of(host, "mem"));
    got("maps", try_of(host, "maps"));
    got("read", process_vm_readv(host, &here, 1, &there, 1, 0));
    got("trace", ptrace(PTRACE_ATTACH, host, NULL, NULL));
    got("signal", kill(host, 0));
    got("thread", syscall(SYS_tgkill, host, host, 0));
    got("pidfd", syscall(SYS_pidfd_open, host, 0u));
    reached("queue", syscall(SYS_rt_sigqueueinfo, host, 0, NULL));
    got("internet", socket(AF_INET, SOCK_STREAM, 0));
    got("internet6", socket(AF_INET6, SOCK_DGRAM, 0));
    got("local", socket(AF_UNIX, SOCK_STREAM, 0));
    got("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    got("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
}

static long try_clone(unsigned long flags)
{
    long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return pid;
}

/* To outlive the call, become another program, or take more than it has. */
static void reach_more(void)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};

    got("fork", try_clone(SIGCHLD));
    got("vfork", try_clone(CLONE_VFORK | SIGCHLD));
    got("untraced", try_clone(CLONE_PARENT | SIGCHLD));
    got("exec", execve("/usr/bin/true", argv, environ));
    got("exec at", syscall(SYS_execveat, AT_FDCWD, "/usr/bin/true", argv, environ, 0));
    got("exec again", syscall(SYS_execveat, 64, "", argv, environ, AT_EMPTY_PATH));
    got("exec loader", execve("/lib64/ld-linux-x86-64.so.2", argv, environ));
    got("number", dup2(STDIN_FILENO, 64));
    got("limit", setrlimit(RLIMIT_NOFILE, &more));
    got("limit of memory", setrlimit(RLIMIT_AS, &more));
    got("death", prctl(PR_SET_PDEATHSIG, 0));
    got("dumpable", prctl(PR_SET_DUMPABLE, 1));
    got("session", setsid());
    got("namespace", unshare(CLONE_NEWUSER));
    reached("capabilities", syscall(SYS_capset, NULL, NULL));
    reached("bpf", syscall(SYS_bpf, 0, NULL, 0));
    got("keys", syscall(SYS_keyctl, 0, -3, 0));
    reached("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0ul));
    got("nice", setpriority(PRIO_PROCESS, 0, -1));
}

static int reach(void)
{
    signal(SIGXFSZ, SIG_IGN); /* it is there to be seen what a write to a file does */
    reach_files();
    reach_others();
    reach_more();
    if (!got_something)
        printf("contained");
    return 0;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int copy_input(void)
{
    char bytes[4096];
    ssize_t got_bytes;

    while ((got_bytes = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (write(STDOUT_FILENO, bytes, (size_t)got_bytes) != got_bytes)
            return 1;
    return 0;
}

static size_t number(const char *text)
{
    size_t value = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (size_t)(*text - '0');
    return value;
}

static void *wait_forever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

static int start_threads(const char *count)
{
    pthread_attr_t small;
    pthread_t thread;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    for (size_t i = 0; i < number(count); i++)
        if (pthread_create(&thread, &small, wait_forever, NULL) != 0)
            return 1;
    if (strcmp(count, "4") == 0)
        return copy_input();
    wait_forever(NULL);
    return 0;
}

static int flood(int fd)
{
    static char bytes[65536];

    memset(bytes, 'x', sizeof bytes);
    for (;;)
        if (write(fd, bytes, sizeof bytes) < 0)
            return 1;
}

static int allocate(const char *megabytes)
{
    size_t size = number(megabytes) << 20;
    char *memory = malloc(size);

    if (memory == NULL)
        return printf("refused") < 0;
    memset(memory, 1, size);
    return printf("given") < 0;
}

static int read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char text[200] = "";

    if (file == NULL)
        return printf("%s", strerror(errno)) < 0;
    return printf("%s", fgets(text, sizeof text, file) == NULL ? "" : text) < 0;
}

int main(int argc, char **argv)
{
    const char *act = argc > 1 ? argv[1] : "", *more = argc > 2 ? argv[2] : "";

    if (strcmp(act, "reach") == 0)
        return reach();
    if (strcmp(act, "copy") == 0)
        return copy_input();
    if (strcmp(act, "print") == 0)
        return printf("%s", more) < 0;
    if (strcmp(act, "end") == 0)
        return fprintf(stderr, "first line\n\nsecond line") < 0 || printf("some output") < 0 ? 1
                                                                                             : 3;
    if (strcmp(act, "abort") == 0)
        abort();
    if (strcmp(act, "pause") == 0)
        wait_forever(NULL);
    if (strcmp(act, "spin") == 0)
        for (;;)
            continue;
    if (strcmp(act, "flood") == 0)
        return flood(more[0] == '2' ? STDERR_FILENO : STDOUT_FILENO);
    if (strcmp(act, "threads") == 0)
        return start_threads(more);
    if (strcmp(act, "allocate") == 0)
        return allocate(more);
    if (strcmp(act, "read") == 0)
        return read_file(more);
    return 2;
}
