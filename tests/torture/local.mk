# tests/torture: every single allocation fails in turn
FILES_TORTURE = tests/torture/allocator.c tests/torture/allocator.h tests/torture/torture.c \
                tests/torture/torture.h
CFLAGS_TORTURE = $(AM_CFLAGS) $(CHECK_CFLAGS)
LIBS_TORTURE = $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread -lm
LDFLAGS_TORTURE = $(AM_LDFLAGS)
if SANITIZED
LDFLAGS_TORTURE += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
endif

check_PROGRAMS += torture_base
torture_base_SOURCES = tests/torture/test_base.c $(FILES_TORTURE)
torture_base_CFLAGS = $(CFLAGS_TORTURE)
torture_base_LDFLAGS = $(LDFLAGS_TORTURE)
torture_base_LDADD = libbase.la $(LIBS_TORTURE)
check_PROGRAMS += torture_core
torture_core_SOURCES = tests/torture/test_core.c $(FILES_TORTURE)
torture_core_CFLAGS = $(CFLAGS_TORTURE)
torture_core_LDFLAGS = $(LDFLAGS_TORTURE)
torture_core_LDADD = libserver.la libagent.la libplugin.la libmodel.la libcredential.la libjwt.la libnet.la \
                     libconfig.la libbase.la $(LIBS_TORTURE) -ldl
check_PROGRAMS += torture_parts
torture_parts_SOURCES = tests/torture/test_parts.c $(FILES_TORTURE)
torture_parts_CFLAGS = $(CFLAGS_TORTURE)
torture_parts_LDFLAGS = $(LDFLAGS_TORTURE)
torture_parts_LDADD = libserver.la libagent.la libplugin.la libmodel.la libcredential.la libjwt.la libnet.la \
                      libconfig.la libbase.la $(LIBS_TORTURE) -ldl
check_PROGRAMS += torture_plugin
torture_plugin_SOURCES = tests/torture/test_plugin.c $(FILES_TORTURE)
torture_plugin_CFLAGS = $(CFLAGS_TORTURE)
torture_plugin_LDFLAGS = $(LDFLAGS_TORTURE)
torture_plugin_LDADD = $(torture_core_LDADD)
