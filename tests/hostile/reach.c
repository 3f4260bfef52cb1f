/* Hostile plugins that reach out of their process: for files, the network, other processes and the
 * kernel. Each tries several ways and reports what did not fail. */
#include "hostile.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

extern char **environ;

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static __attribute__((unused)) long try_open(const char *path, int flags)
{
    return open(path, flags, 0600);
}

static __attribute__((unused)) long try_host_file(const struct sesame_instance *instance,
                                                  const char *name)
{
    char path[60];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)instance->host_pid, name);
    return open(path, O_RDONLY);
}

/* ---- files ----------------------------------------------------------------------------------- */

ACT(reads_environment)
{
    got(instance, "variables", environ != NULL && environ[0] != NULL ? 0 : -1);
    got(instance, "PATH", getenv("PATH") != NULL ? 0 : -1);
    got(instance, "self", try_open("/proc/self/environ", O_RDONLY));
    got(instance, "host", try_host_file(instance, "environ"));
    got(instance, "arguments", try_host_file(instance, "cmdline"));
    finish(instance, call);
}

ACT(reads_host_memory)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&environ, 1};

    got(instance, "mem", try_host_file(instance, "mem"));
    got(instance, "maps", try_host_file(instance, "maps"));
    got(instance, "auxv", try_host_file(instance, "auxv"));
    got(instance, "descriptors", try_host_file(instance, "fd/0"));
    got(instance, "root", try_host_file(instance, "root/etc/passwd"));
    got(instance, "readv", process_vm_readv(instance->host_pid, &here, 1, &there, 1, 0));
    got(instance, "writev", process_vm_writev(instance->host_pid, &here, 1, &there, 1, 0));
    got(instance, "core", try_open("/proc/kcore", O_RDONLY));
    finish(instance, call);
}

ACT(opens_files)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {O_RDONLY, 0, 0};

    got(instance, "passwd", try_open("/etc/passwd", O_RDONLY));
    got(instance, "library", try_open("/usr/lib/os-release", O_RDONLY));
    got(instance, "cache", try_open("/etc/ld.so.cache", O_RDONLY));
    got(instance, "root", try_open("/proc/self/root/etc/passwd", O_RDONLY));
    got(instance, "cwd", try_open("/proc/self/cwd", O_RDONLY | O_DIRECTORY));
    got(instance, "path", try_open("/", O_PATH));
    got(instance, "openat2", syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
    got(instance, "list", try_open(".", O_RDONLY | O_DIRECTORY));
    got(instance, "null", try_open("/dev/null", O_RDWR));
    got(instance, "stat", access("/etc/passwd", R_OK));
    got(instance, "link", readlink("/proc/self/exe", instance->url, 1));
    got(instance, "chdir", chdir("/"));
    finish(instance, call);
}

ACT(writes_files)
{
    got(instance, "create", try_open("/tmp/sesame-hostile", O_WRONLY | O_CREAT | O_TRUNC));
    got(instance, "nameless", try_open("/tmp", O_RDWR | O_TMPFILE));
    got(instance, "itself", try_open("/proc/self/exe", O_WRONLY));
    got(instance, "memory", try_open("/proc/self/mem", O_RDWR));
    got(instance, "directory", mkdir("/tmp/sesame-hostile.d", 0700));
    got(instance, "symlink", symlink("/etc/passwd", "/tmp/sesame-hostile.l"));
    got(instance, "link", link("/etc/passwd", "/tmp/sesame-hostile.l"));
    got(instance, "rename", rename("/etc/passwd", "/tmp/sesame-hostile.r"));
    got(instance, "truncate", truncate("/etc/passwd", 0));
    got(instance, "mode", chmod("/etc/passwd", 0666));
    got(instance, "chroot", chroot("/"));
    finish(instance, call);
}

ACT(opens_by_io_uring)
{
    char parameters[256] = {0};

    got(instance, "io_uring", syscall(SYS_io_uring_setup, 4, parameters));
    got(instance, "handle", syscall(SYS_open_by_handle_at, AT_FDCWD, parameters, O_RDONLY));
    finish(instance, call);
}

ACT(runs_from_memory)
{
    long fd = syscall(SYS_memfd_create, "evil", 0);
    char *const none[] = {NULL};

    got(instance, "memfd", fd);
    got(instance, "secret", syscall(SYS_memfd_secret, 0));
    got(instance, "execveat", syscall(SYS_execveat, 1, "", none, none, AT_EMPTY_PATH));
    finish(instance, call);
}

ACT(maps_code)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    got(instance, "mmap", code == MAP_FAILED ? -1 : 0);
    got(instance, "mprotect", mprotect(page, 4096, PROT_READ | PROT_EXEC));
    got(instance, "pkey", syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1));
    got(instance, "personality", syscall(SYS_personality, 0x0400000)); /* READ_IMPLIES_EXEC */
    got(instance, "shm", syscall(SYS_shmget, 0, 4096, 0600));
    finish(instance, call);
}

/* ---- the network ----------------------------------------------------------------------------- */

ACT(connects_out)
{
    got(instance, "tcp", socket(AF_INET, SOCK_STREAM, 0));
    got(instance, "udp", socket(AF_INET, SOCK_DGRAM, 0));
    got(instance, "tcp6", socket(AF_INET6, SOCK_STREAM, 0));
    got(instance, "raw", socket(AF_INET, SOCK_RAW, 1));
    got(instance, "packet", socket(AF_PACKET, SOCK_RAW, 0));
    finish(instance, call);
}

ACT(connects_locally)
{
    int pair[2];
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sesame-hostile"};

    got(instance, "unix", socket(AF_UNIX, SOCK_STREAM, 0));
    got(instance, "pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    got(instance, "netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    got(instance, "vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    got(instance, "abstract",
        sendto(0, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : 0);
    got(instance, "connect", connect(0, (struct sockaddr *)&address, sizeof address));
    finish(instance, call);
}

ACT(listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sesame-hostile"};

    got(instance, "bind", bind(0, (struct sockaddr *)&address, sizeof address));
    got(instance, "listen", listen(0, 1));
    got(instance, "accept", accept(0, NULL, NULL));
    got(instance, "option", setsockopt(0, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
    finish(instance, call);
}

/* ---- processes ------------------------------------------------------------------------------- */

ACT(forks)
{
    got(instance, "fork", fork());
    got(instance, "vfork", syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
    got(instance, "clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    got(instance, "clone3", syscall(SYS_clone3, instance->url, 88));
    finish(instance, call);
}

ACT(executes)
{
    char *const arguments[] = {(char[]){"sh"}, NULL};

    got(instance, "execve", execve("/bin/sh", arguments, NULL));
    got(instance, "self", execve("/proc/self/exe", arguments, NULL));
    finish(instance, call);
}

/* The C library blocks signals around it, the filter's too. */
ACT(runs_a_shell)
{
    got(instance, "system", system("true") == 0 ? 0 : -1);
    finish(instance, call);
}

ACT(traces)
{
    got(instance, "attach", ptrace(PTRACE_ATTACH, instance->host_pid, NULL, NULL));
    got(instance, "seize", ptrace(PTRACE_SEIZE, instance->host_pid, NULL, NULL));
    got(instance, "traceme", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    got(instance, "kcmp", syscall(SYS_kcmp, instance->host_pid, getpid(), 0, 0, 0));
    got(instance, "pidfd", syscall(SYS_pidfd_open, instance->host_pid, 0));
    got(instance, "pidfd_getfd", syscall(SYS_pidfd_getfd, 1, 0, 0));
    finish(instance, call);
}

ACT(kills_the_host)
{
    siginfo_t info = {0};

    got(instance, "kill", kill(instance->host_pid, SIGKILL));
    got(instance, "probe", kill(instance->host_pid, 0));
    got(instance, "all", kill(-1, SIGKILL));
    got(instance, "group", kill(0, SIGKILL));
    got(instance, "tgkill", syscall(SYS_tgkill, instance->host_pid, instance->host_pid, SIGKILL));
    got(instance, "tkill", syscall(SYS_tkill, instance->host_pid, SIGKILL));
    got(instance, "queue", syscall(SYS_rt_sigqueueinfo, instance->host_pid, SIGKILL, &info));
    got(instance, "pidfd", syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0));
    finish(instance, call);
}

/* ---- rights ---------------------------------------------------------------------------------- */

ACT(raises_its_limits)
{
    struct rlimit much = {RLIM_INFINITY, RLIM_INFINITY};

    got(instance, "memory", setrlimit(RLIMIT_AS, &much));
    got(instance, "descriptors", setrlimit(RLIMIT_NOFILE, &much));
    got(instance, "core", prlimit(0, RLIMIT_CORE, &much, NULL));
    got(instance, "host", prlimit(instance->host_pid, RLIMIT_CORE, &much, NULL));
    got(instance, "peek", prlimit(instance->host_pid, RLIMIT_CORE, NULL, &much));
    got(instance, "nice", setpriority(PRIO_PROCESS, 0, -20));
    got(instance, "scheduler", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
    finish(instance, call);
}

ACT(makes_itself_dumpable)
{
    got(instance, "dumpable", prctl(PR_SET_DUMPABLE, 1));
    got(instance, "death signal", prctl(PR_SET_PDEATHSIG, 0));
    got(instance, "ptracer", prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY));
    got(instance, "subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
    got(instance, "name", prctl(PR_SET_NAME, "sesame"));
    finish(instance, call);
}

ACT(becomes_root)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};

    got(instance, "setuid", setuid(0));
    got(instance, "setresuid", setresuid(0, 0, 0));
    got(instance, "setgid", setgid(0));
    got(instance, "setgroups", syscall(SYS_setgroups, 0, NULL));
    got(instance, "capset", syscall(SYS_capset, &header, all));
    finish(instance, call);
}

ACT(opens_namespaces)
{
    const int thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

    got(instance, "user", unshare(CLONE_NEWUSER));
    got(instance, "mount", unshare(CLONE_NEWNS));
    got(instance, "net", unshare(CLONE_NEWNET));
    got(instance, "files", unshare(CLONE_FILES));
    got(instance, "setns", setns(1, 0));
    got(instance, "thread", syscall(SYS_clone, thread | CLONE_NEWNET, 0, 0, 0, 0));
    finish(instance, call);
}

ACT(mounts)
{
    got(instance, "mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    got(instance, "umount", umount2("/proc", MNT_DETACH));
    got(instance, "pivot", syscall(SYS_pivot_root, "/", "/"));
    got(instance, "fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    got(instance, "tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
    finish(instance, call);
}

ACT(asks_the_kernel_for_more)
{
    char zero[128] = {0};

    got(instance, "add_key",
        syscall(SYS_add_key, "user", "evil", "x", 1, KEY_SPEC_SESSION_KEYRING));
    got(instance, "keyctl",
        syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
    got(instance, "bpf", syscall(SYS_bpf, 0, zero, sizeof zero));
    got(instance, "perf", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
    got(instance, "userfaultfd", syscall(SYS_userfaultfd, 0));
    got(instance, "module", syscall(SYS_init_module, zero, sizeof zero, ""));
    got(instance, "kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    got(instance, "reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    got(instance, "hostname", sethostname("evil", 4));
    got(instance, "log", syscall(SYS_syslog, 3, zero, sizeof zero));
    got(instance, "seccomp", syscall(SYS_seccomp, 0, 0, NULL));
    got(instance, "landlock", syscall(SYS_landlock_create_ruleset, NULL, 0, 1));
    got(instance, "ioctl", syscall(SYS_ioctl, 0, 0x5401, zero));
    finish(instance, call);
}

/* ---- signals --------------------------------------------------------------------------------- */

static __attribute__((unused)) void ignore(int number)
{
    (void)number;
}

ACT(catches_the_filters_signal)
{
    struct sigaction action = {.sa_handler = ignore};

    got(instance, "SIGSYS", sigaction(SIGSYS, &action, NULL));
    got(instance, "SIGTERM", sigaction(SIGTERM, &action, NULL));
    got(instance, "file", try_open("/etc/passwd", O_RDONLY));
    finish(instance, call);
}

/* A refused call raises a signal that cannot be delivered: the kernel ends the process. */
ACT(blocks_signals)
{
    sigset_t all;

    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    got(instance, "fork", fork());
    finish(instance, call);
}

/* System calls by the numbers of other machines. */
ACT(speaks_another_machine)
{
#if defined(__x86_64__)
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid of i386 */
    got(instance, "i386", result);
#else
    abort();
#endif
    finish(instance, call);
}

ACT(speaks_another_abi)
{
#if defined(__x86_64__)
    got(instance, "x32", syscall(0x40000000L | SYS_getpid));
#else
    abort();
#endif
    finish(instance, call);
}

#include "hostile_end.h"
