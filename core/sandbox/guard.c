/* What holds the plugin's process back: limits, Landlock, and the order of things. */
#include "sandbox/guard.h"

#include "plugin/wire.h"
#include "sandbox/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_ORPHANED 3

/* A build for tests lacks some of them, as an older kernel would. */
#ifndef GUARDS_MISSING
#define GUARDS_MISSING 0u
#endif

/* ---- limits ---------------------------------------------------------------------------------- */

static bool limit(int what, rlim_t most)
{
    const struct rlimit value = {most, most};

    return setrlimit(what, &value) == 0;
}

static bool set_limits(uint64_t memory_bytes)
{
    bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_MEMLOCK, 0) &&
              limit(RLIMIT_NOFILE, GUARD_DESCRIPTOR_MAX_COUNT);

#ifdef __SANITIZE_ADDRESS__ /* its shadow memory alone is larger than any sensible limit */
    (void)memory_bytes;
#else
    ok = ok && limit(RLIMIT_AS, memory_bytes);
#endif
    return ok;
}

/* A host that runs as root has children that do; without capabilities that means little. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    return syscall(SYS_capset, &header, none) == 0;
}

/* The death signal is set too late for a host that died in between. */
static void die_with_host(int host_fd)
{
    struct ucred host;
    socklen_t size = sizeof host;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        getsockopt(host_fd, SOL_SOCKET, SO_PEERCRED, &host, &size) != 0 || getppid() != host.pid)
        _exit(EXIT_ORPHANED);
}

uint32_t guard_process(int host_fd, uint64_t memory_bytes)
{
    uint32_t guards = 0;

    /* One heap: a process that does one thing needs no arena per thread. */
    (void)mallopt(M_ARENA_MAX, 1);
    /* What a terminal sends to the host is not for its children: the host ends them. */
    (void)setsid();
    if (drop_capabilities())
        guards |= GUARD_NO_CAPABILITIES;
    die_with_host(host_fd);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        guards |= GUARD_NO_NEW_PRIVS;
    if ((GUARDS_MISSING & GUARD_UNDUMPABLE) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0)
        guards |= GUARD_UNDUMPABLE;
    if (set_limits(memory_bytes))
        guards |= GUARD_LIMITS;
    return guards;
}

/* ---- Landlock (landlock(7)) ------------------------------------------------------------------ */

/* The newest form of the attribute; older kernels are given its first part. The C library's headers
 * may be older than the kernel. */
struct ruleset {
    uint64_t files;
    uint64_t network; /* from version 4 on */
    uint64_t scoped;  /* from version 6 on */
};

#define FILES_V1 ((1ull << 13) - 1)
#define FILES_REFER (1ull << 13)     /* 2 */
#define FILES_TRUNCATE (1ull << 14)  /* 3 */
#define FILES_IOCTL_DEV (1ull << 15) /* 5 */
#define NETWORK_TCP 3ull             /* bind, connect */
#define SCOPED_ALL 3ull              /* abstract sockets, signals */

static int open_ruleset(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset ruleset = {FILES_V1, 0, 0};
    size_t size = version < 4 ? 8 : version < 6 ? 16 : sizeof ruleset;

    if (version < 1)
        return -1;
    ruleset.files |= (version >= 2 ? FILES_REFER : 0) | (version >= 3 ? FILES_TRUNCATE : 0) |
                     (version >= 5 ? FILES_IOCTL_DEV : 0);
    ruleset.network = version >= 4 ? NETWORK_TCP : 0;
    ruleset.scoped = version >= 6 ? SCOPED_ALL : 0;
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

static bool allow(int ruleset, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};

    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow_reading(int ruleset, int fd, bool is_folder)
{
    return allow(ruleset, fd,
                 LANDLOCK_ACCESS_FS_READ_FILE | (is_folder ? LANDLOCK_ACCESS_FS_READ_DIR : 0u));
}

static void allow_libraries(int ruleset)
{
    static const char *const places[] = {"/lib",       "/lib64",         "/usr/lib",
                                         "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int fd = open(places[i], O_PATH | O_CLOEXEC);

        if (fd < 0)
            continue; /* not every system has each of them */
        (void)allow_reading(ruleset, fd, i + 1 < sizeof places / sizeof places[0]);
        close(fd);
    }
}

static bool restrict_to(int ruleset)
{
    bool ok = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;

    close(ruleset);
    return ok;
}

/* From here on only what the rules allow; `library_fd` -1: nothing. */
static bool restrict_files(int library_fd)
{
    int ruleset = (GUARDS_MISSING & GUARD_LANDLOCK) != 0 ? -1 : open_ruleset();
    bool ok = true;

    if (ruleset < 0)
        return false;
    if (library_fd >= 0) {
        allow_libraries(ruleset);
        ok = allow_reading(ruleset, library_fd, false);
    }
    return restrict_to(ruleset) && ok;
}

/* The program that loads a dynamic one (elf(5), PT_INTERP), into `out`; "" for a static one. */
static void find_loader(char *out, size_t size)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part = {0};

    out[0] = '\0';
    if (pread(GUARD_PROGRAM_FD, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        head.e_phentsize != sizeof part)
        return;
    for (size_t i = 0; i < head.e_phnum; i++)
        if (pread(GUARD_PROGRAM_FD, &part, sizeof part, (off_t)(head.e_phoff + i * sizeof part)) ==
                (ssize_t)sizeof part &&
            part.p_type == PT_INTERP && part.p_filesz > 0 && part.p_filesz <= size &&
            pread(GUARD_PROGRAM_FD, out, part.p_filesz, (off_t)part.p_offset) ==
                (ssize_t)part.p_filesz)
            out[part.p_filesz - 1] = '\0';
}

static bool allow_program(int ruleset)
{
    const uint64_t run = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
    char path[256];
    int loader;
    bool ok;

    if (!allow(ruleset, GUARD_PROGRAM_FD, run))
        return false;
    find_loader(path, sizeof path);
    loader = path[0] == '\0' ? -1 : open(path, O_PATH | O_CLOEXEC);
    if (loader < 0)
        return path[0] == '\0';
    ok = allow(ruleset, loader, run);
    close(loader);
    return ok;
}

static bool restrict_program(const int *reads, size_t read_count)
{
    int ruleset = (GUARDS_MISSING & GUARD_LANDLOCK) != 0 ? -1 : open_ruleset();
    bool ok;

    if (ruleset < 0)
        return false;
    allow_libraries(ruleset);
    ok = allow_program(ruleset);
    for (size_t i = 0; i < read_count; i++) {
        struct stat found;

        ok = ok && fstat(reads[i], &found) == 0 &&
             allow_reading(ruleset, reads[i], S_ISDIR(found.st_mode));
    }
    return restrict_to(ruleset) && ok;
}

/* ---- the steps ------------------------------------------------------------------------------- */

uint32_t guard_before_load(uint32_t guards, int library_fd)
{
    if (restrict_files(library_fd))
        guards |= GUARD_LANDLOCK;
    if ((GUARDS_MISSING & GUARD_SECCOMP) == 0 && syscall_filter_load(FILTER_LOADING))
        guards |= GUARD_SECCOMP;
    return guards;
}

static void reset_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

uint32_t guard_program(uint32_t guards, const int *reads, size_t read_count)
{
    if (restrict_program(reads, read_count))
        guards |= GUARD_LANDLOCK;
    if ((GUARDS_MISSING & GUARD_SECCOMP) == 0 && syscall_filter_load(FILTER_PROGRAM))
        guards |= GUARD_SECCOMP;
    return guards;
}

bool guard_after_load(uint32_t guards)
{
    reset_signals();
    return ((guards & GUARD_LANDLOCK) == 0 || restrict_files(-1)) &&
           ((guards & GUARD_SECCOMP) == 0 || syscall_filter_load(FILTER_FINAL));
}

int guard_refused(int *out_number)
{
    return syscall_filter_refused(out_number);
}
