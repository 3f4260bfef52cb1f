# core/sandbox: the program that runs one untrusted plugin
pkglibexec_PROGRAMS += sesame-sandbox
sesame_sandbox_SOURCES = \
    core/sandbox/channel.c core/sandbox/channel.h \
    core/sandbox/child.c core/sandbox/child.h core/sandbox/child_http.c core/sandbox/child_program.c \
    core/sandbox/guard.c core/sandbox/guard.h \
    core/sandbox/log.c core/sandbox/main.c \
    core/sandbox/program.c core/sandbox/program.h \
    core/sandbox/syscall_filter.c core/sandbox/syscall_filter.h
# Little is linked on purpose: it starts fast, and less code lies beside the plugin's.
sesame_sandbox_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
sesame_sandbox_LDFLAGS = $(AM_LDFLAGS) -Wl,--as-needed
sesame_sandbox_LDADD = libplugin.la libnet.la libbase.la $(EVENT_LIBS) $(SECCOMP_LIBS) -ldl -lpthread
