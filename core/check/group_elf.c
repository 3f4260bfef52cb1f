/* Checks of the library's ELF headers, without loading it. */
#include "check/check.h"

#include "check/elf_file.h"

#include <dlfcn.h>
#include <sesame/plugin.h>
#include <string.h>

#define SYMBOL "sesame_plugin_v1"

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

static struct elf_file *open_elf(struct check *check)
{
    static struct elf_file elf; /* one per process; it ends with it */
    struct error err = {0};

    if (!elf_file_open(&elf, check->target->path, &err))
        check_fail(check, "%s", err.message);
    return &elf;
}

static struct elf_file *open_good_elf(struct check *check)
{
    static struct elf_file elf;
    struct error err = {0};

    if (!elf_file_open(&elf, check->target->path, &err))
        check_skip(check, "it is no shared object for this machine (elf.object says why)");
    return &elf;
}

static const elf_symbol *find_symbol(struct check *check, const struct elf_file *elf)
{
    for (size_t i = 0; i < elf->symbol_count; i++)
        if (elf_is_defined(&elf->symbols[i]) &&
            strcmp(elf_name(elf, elf->symbols[i].st_name), SYMBOL) == 0)
            return &elf->symbols[i];
    check_skip(check, "it does not export %s (elf.symbol says what it does)", SYMBOL);
}

static void is_object(struct check *check)
{
    (void)open_elf(check);
}

static void exports_symbol(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    const char *other = "nothing";

    for (size_t i = 0; i < elf->symbol_count; i++) {
        if (!elf_is_defined(&elf->symbols[i]))
            continue;
        other = elf_name(elf, elf->symbols[i].st_name);
        if (strcmp(other, SYMBOL) == 0)
            return;
    }
    check_fail(check, "it exports %.60s", other);
}

/* What compilers put into every object of some languages and systems, in no way to be avoided. */
static bool is_of_the_toolchain(const char *name)
{
    static const char *const names[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void exports_nothing_else(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);

    for (size_t i = 0; i < elf->symbol_count; i++) {
        const char *name = elf_name(elf, elf->symbols[i].st_name);

        if (elf_is_defined(&elf->symbols[i]) && name[0] != '\0' && strcmp(name, SYMBOL) != 0 &&
            !is_of_the_toolchain(name))
            check_fail(check, "it exports %.60s too", name);
    }
}

static void symbol_is_data(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    unsigned type = find_symbol(check, elf)->st_info & 15;

    if (type != STT_OBJECT)
        check_fail(check, "%s has the symbol type %u, expected %u", SYMBOL, type, STT_OBJECT);
}

static void symbol_has_size(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    size_t size = find_symbol(check, elf)->st_size;

    if (size != sizeof(struct sesame_plugin))
        check_fail(check, "%s has %zu bytes, expected %zu", SYMBOL, size,
                   sizeof(struct sesame_plugin));
}

static void has_no_text_relocations(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    elf_value flags = 0, ignored;

    if (elf_dynamic(elf, DT_TEXTREL, &ignored) ||
        (elf_dynamic(elf, DT_FLAGS, &flags) && (flags & DF_TEXTREL) != 0))
        check_fail(check, "it has relocations in its code");
}

static void has_no_executable_stack(struct check *check)
{
    const elf_segment_header *stack = elf_segment(open_good_elf(check), PT_GNU_STACK);

    if (stack == NULL)
        check_fail(check, "it does not say that it needs no executable stack");
    if ((stack->p_flags & PF_X) != 0)
        check_fail(check, "it asks for an executable stack");
}

static void has_no_writable_code(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);

    for (size_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].p_type == PT_LOAD &&
            (elf->segments[i].p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
            check_fail(check, "its segment %zu can be written and executed", i);
}

static void has_relro(struct check *check)
{
    if (elf_segment(open_good_elf(check), PT_GNU_RELRO) == NULL)
        check_fail(check, "it has no segment GNU_RELRO");
}

static void binds_now(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    elf_value flags = 0, flags_1 = 0, ignored;

    (void)elf_dynamic(elf, DT_FLAGS, &flags);
    (void)elf_dynamic(elf, DT_FLAGS_1, &flags_1);
    if ((flags & DF_BIND_NOW) == 0 && (flags_1 & DF_1_NOW) == 0 &&
        !elf_dynamic(elf, DT_BIND_NOW, &ignored))
        check_fail(check, "its functions are bound at their first call");
}

static void needs_what_exists(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    const char *name;

    for (size_t i = 0; (name = elf_needed(elf, i)) != NULL; i++)
        if (dlopen(name, RTLD_LAZY | RTLD_LOCAL) == NULL)
            check_fail(check, "it needs %.60s: %.200s", name, dlerror());
}

static bool is_of_the_sanitizers(const char *name)
{
#ifdef __SANITIZE_ADDRESS__
    return strncmp(name, "__asan_", 7) == 0 || strncmp(name, "__ubsan_", 8) == 0;
#else
    (void)name;
    return false;
#endif
}

static void needs_no_host_symbols(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    void *handles[64];
    size_t count = 0;
    const char *name;

    for (size_t i = 0; count < 64 && (name = elf_needed(elf, i)) != NULL; i++)
        if ((handles[count] = dlopen(name, RTLD_LAZY | RTLD_LOCAL)) != NULL)
            count++;
    for (size_t i = 0; i < elf->symbol_count; i++) {
        bool is_found = false;

        name = elf_name(elf, elf->symbols[i].st_name);
        if (!elf_is_undefined(&elf->symbols[i]) || is_of_the_sanitizers(name))
            continue;
        for (size_t k = 0; k < count && !is_found; k++)
            is_found = dlsym(handles[k], name) != NULL;
        if (!is_found)
            check_fail(check, "%.80s is in none of the libraries that it is linked with", name);
    }
}

static void has_no_path(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    elf_value offset;

    if (elf_dynamic(elf, DT_RUNPATH, &offset) || elf_dynamic(elf, DT_RPATH, &offset))
        check_fail(check, "it looks for libraries in \"%.200s\"", elf_name(elf, offset));
}

static void is_no_program(struct check *check)
{
    const struct elf_file *elf = open_good_elf(check);
    elf_value flags = 0;

    (void)elf_dynamic(elf, DT_FLAGS_1, &flags);
    if (elf_segment(elf, PT_INTERP) != NULL || (flags & DF_1_PIE) != 0)
        check_fail(check, "it is a program (linked -pie), not a library");
}

static bool is_sanitized(const struct elf_file *elf)
{
    for (size_t i = 0; i < elf->symbol_count; i++)
        if (strcmp(elf_name(elf, elf->symbols[i].st_name), "__asan_init") == 0)
            return true;
    return false;
}

/* gcc and clang put one function of their own into each list of a plain object; Rust's library has
 * one more, which keeps the program's arguments. */
static void has_few(struct check *check, elf_tag size_tag, const char *what)
{
    const struct elf_file *elf = open_good_elf(check);
    elf_value size = 0;
    size_t own = size_tag == DT_INIT_ARRAYSZ && elf_is_rust(elf) ? 2 : 1;

    (void)elf_dynamic(elf, size_tag, &size);
    if (is_sanitized(elf))
        check_skip(check, "it is built with a sanitizer, which adds its own to each object");
    if (size > own * sizeof(void *))
        check_fail(check, "it has %zu %s, of which the compiler's own are %zu",
                   (size_t)size / sizeof(void *), what, own);
}

static void has_no_constructors(struct check *check)
{
    elf_value size;

    if (elf_dynamic(open_good_elf(check), DT_PREINIT_ARRAY, &size))
        check_fail(check, "it has functions that run before all others");
    has_few(check, DT_INIT_ARRAYSZ, "constructors");
}

static void has_no_destructors(struct check *check)
{
    has_few(check, DT_FINI_ARRAYSZ, "destructors");
}

static void has_no_static_tls(struct check *check)
{
    elf_value flags = 0;

    (void)elf_dynamic(open_good_elf(check), DT_FLAGS, &flags);
    if ((flags & DF_STATIC_TLS) != 0)
        check_fail(check, "it uses the initial-exec model for thread-local variables");
}

static void does_not_interpose(struct check *check)
{
    elf_value flags = 0;

    (void)elf_dynamic(open_good_elf(check), DT_FLAGS_1, &flags);
    if ((flags & (DF_1_GLOBAL | DF_1_INTERPOSE | DF_1_INITFIRST)) != 0)
        check_fail(check, "its flags are %#llx: they change how other libraries are bound",
                   (unsigned long long)flags);
}

static void has_no_import(struct check *check, const char *const *names)
{
    const struct elf_file *elf = open_good_elf(check);

    for (size_t i = 0; i < elf->symbol_count; i++)
        for (const char *const *name = names; *name != NULL; name++)
            if (elf->symbols[i].st_shndx == SHN_UNDEF &&
                strcmp(elf_name(elf, elf->symbols[i].st_name), *name) == 0)
                check_fail(check, "it calls %s", *name);
}

static void changes_no_process_state(struct check *check)
{
    static const char *const names[] = {
        "setenv", "unsetenv", "putenv",    "clearenv", "setlocale", "chdir",
        "fchdir", "chroot",   "umask",     "signal",   "sigaction", "sigprocmask",
        "setuid", "setgid",   "setrlimit", "daemon",   "nice",      NULL};

    has_no_import(check, names);
}

static void does_not_fork(struct check *check)
{
    static const char *const names[] = {"fork", "_Fork", "vfork", "system", "popen", NULL};

    has_no_import(check, names);
}

static void does_not_exit(struct check *check)
{
    static const char *const names[] = {"exit",   "_exit",   "_Exit",         "quick_exit",
                                        "atexit", "on_exit", "at_quick_exit", NULL};

    has_no_import(check, names);
}

static void does_not_print(struct check *check)
{
    static const char *const names[] = {"printf",        "puts",   "putchar",
                                        "vprintf",       "perror", "__printf_chk",
                                        "__vprintf_chk", "stdout", NULL};

    has_no_import(check, names);
}

static const struct check_case cases[] = {
    {"elf.object", "The file is an ELF shared object for this machine, with its dynamic symbols.",
     "Link with `-shared`, and do not strip the section headers.", CHECK_ANY, CHECK_ONCE,
     is_object},
    {"elf.symbol", "It exports the constant `sesame_plugin_v1`.",
     "The host finds a plugin by this symbol, and by the number in it the version of the contract. "
     "Define `const struct sesame_plugin sesame_plugin_v1` in one source file, and let the version "
     "script leave it visible.",
     CHECK_ANY, CHECK_ONCE, exports_symbol},
    {"elf.one-symbol", "It exports nothing besides.",
     "Other symbols can collide with those of the host and of other plugins. Link with "
     "`plugin.map`, or compile with `-fvisibility=hidden`.",
     CHECK_ANY, CHECK_ONCE, exports_nothing_else},
    {"elf.symbol-type", "`sesame_plugin_v1` is data, not a function.",
     "The host reads it without running anything of the plugin.", CHECK_ANY, CHECK_ONCE,
     symbol_is_data},
    {"elf.symbol-size", "`sesame_plugin_v1` has the size of `struct sesame_plugin`.",
     "Another size means another header. Build against the installed `sesame/plugin.h`.", CHECK_ANY,
     CHECK_ONCE, symbol_has_size},
    {"elf.no-text-relocations", "Its code needs no relocations.",
     "Code that the loader must write to cannot be shared, and hardened systems refuse it. Compile "
     "everything with `-fPIC`.",
     CHECK_ANY, CHECK_ONCE, has_no_text_relocations},
    {"elf.no-executable-stack", "It needs no executable stack.",
     "The loader would make every stack of the host executable. Mostly a file of assembly lacks "
     "`.note.GNU-stack`, or a nested function's address is taken.",
     CHECK_ANY, CHECK_ONCE, has_no_executable_stack},
    {"elf.no-writable-code", "No part of it can be both written and executed.",
     "Such memory turns every overrun into code. Use the linker's default layout.", CHECK_ANY,
     CHECK_ONCE, has_no_writable_code},
    {"elf.relro", "What only the loader writes is read-only afterwards.",
     "Link with `-Wl,-z,relro`.", CHECK_ANY, CHECK_ONCE, has_relro},
    {"elf.bind-now", "All its functions are bound when it is loaded.",
     "A missing function then fails at start, not days later in the middle of a call. Link with "
     "`-Wl,-z,now`.",
     CHECK_ANY, CHECK_ONCE, binds_now},
    {"elf.needed", "The libraries it needs are there.",
     "Install the library, or link it in. In a process only the system's library folders can be "
     "read.",
     CHECK_ANY, CHECK_ONCE, needs_what_exists},
    {"elf.no-host-symbols", "Every symbol it uses is in a library that it names.",
     "Nothing may come from the host: it exports nothing, and its libraries may change. Link with "
     "`-Wl,-z,defs`, which finds the missing library at once.",
     CHECK_ANY, CHECK_ONCE, needs_no_host_symbols},
    {"elf.no-path", "It has no search path for libraries of its own.",
     "A RUNPATH loads what somebody put there, and points elsewhere on the next machine. In a "
     "process it cannot be read at all. Link without `-rpath`.",
     CHECK_ANY, CHECK_ONCE, has_no_path},
    {"elf.no-program", "It is a library and no program.",
     "`dlopen` refuses position-independent programs. Link with `-shared`.", CHECK_ANY, CHECK_ONCE,
     is_no_program},
    {"elf.no-constructors", "It has no constructors.",
     "They run before the host has looked at the plugin. Do the work in `create`. C++: no global "
     "objects with constructors.",
     CHECK_ANY, CHECK_ONCE, has_no_constructors},
    {"elf.no-destructors", "It has no destructors.",
     "They run while other threads of the host still work. Do the work in `destroy`.", CHECK_ANY,
     CHECK_ONCE, has_no_destructors},
    {"elf.no-static-tls", "It uses no thread-local memory that is fixed at start.",
     "There is little of it, and loading fails when it is used up. Compile without "
     "`-ftls-model=initial-exec`.",
     CHECK_ANY, CHECK_ONCE, has_no_static_tls},
    {"elf.no-interposition", "It does not put itself before other libraries.",
     "Link without `-z interpose`, `-z global` and `-z initfirst`.", CHECK_ANY, CHECK_ONCE,
     does_not_interpose},
    {"elf.no-process-state", "It calls nothing that changes the whole process.",
     "Environment, locale, folder, mask, signals, limits and user belong to the host. Keep state "
     "in "
     "the instance.",
     CHECK_ANY, CHECK_ONCE, changes_no_process_state},
    {"elf.no-fork", "It does not fork.",
     "A fork of a host with threads holds locks that nobody opens, and copies of its secrets.",
     CHECK_ANY, CHECK_ONCE, does_not_fork},
    {"elf.no-exit", "It neither ends the process nor registers for its end.",
     "The host decides when to end. Complete the call with a status.", CHECK_ANY, CHECK_ONCE,
     does_not_exit},
    {"elf.no-printing", "It calls no function that prints to standard output.",
     "What a plugin has to say goes to `sesame.log/1`.", CHECK_ANY, CHECK_ONCE, does_not_print},
};

const struct check_group check_group_elf = {"elf", "The library's headers", cases,
                                            sizeof cases / sizeof cases[0]};
