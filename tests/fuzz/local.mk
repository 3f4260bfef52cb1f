# tests/fuzz: libFuzzer targets, built with --enable-fuzz and CC=clang
FUZZ_FILES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz_http_parser.c tests/fuzz/fuzz_sse.c \
               tests/fuzz/fuzz_jwt.c tests/fuzz/fuzz_jwks.c tests/fuzz/fuzz_chat_stream.c \
               tests/fuzz/fuzz_chat_input.c tests/fuzz/fuzz_config.c tests/fuzz/fuzz_key_pem.c \
               tests/fuzz/fuzz_process_frames.c tests/fuzz/fuzz_json_schema.c \
               tests/fuzz/fuzz_alibaba_files.c
EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/run.sh tests/fuzz/corpus
if FUZZ
FUZZ_LIBS = libmodel.la libjwt.la libnet.la libbase.la $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) \
            -lpthread -lm
LDFLAGS_FUZZ = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
noinst_PROGRAMS += fuzz_json fuzz_http_parser fuzz_sse fuzz_jwt fuzz_jwks fuzz_chat_stream fuzz_chat_input fuzz_config \
                   fuzz_key_pem fuzz_process_frames fuzz_json_schema fuzz_alibaba_files
fuzz_json_schema_SOURCES = tests/fuzz/fuzz_json_schema.c
fuzz_json_schema_LDADD = $(FUZZ_LIBS)
fuzz_json_schema_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_alibaba_files_SOURCES = tests/fuzz/fuzz_alibaba_files.c
fuzz_alibaba_files_CPPFLAGS = $(PLUGIN_CPPFLAGS)
fuzz_alibaba_files_LDADD = libalibabacloud.la libsesame-plugin-test.a $(FUZZ_LIBS) -ldl
fuzz_alibaba_files_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_process_frames_SOURCES = tests/fuzz/fuzz_process_frames.c
fuzz_process_frames_LDADD = libplugin.la libcredential.la libconfig.la $(FUZZ_LIBS) -ldl
fuzz_process_frames_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_key_pem_SOURCES = tests/fuzz/fuzz_key_pem.c
fuzz_key_pem_LDADD = $(FUZZ_LIBS)
fuzz_key_pem_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_chat_input_SOURCES = tests/fuzz/fuzz_chat_input.c
fuzz_chat_input_LDADD = libserver.la $(FUZZ_LIBS)
fuzz_chat_input_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
fuzz_config_LDADD = libconfig.la $(FUZZ_LIBS)
fuzz_config_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
fuzz_json_LDADD = $(FUZZ_LIBS)
fuzz_json_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_http_parser_SOURCES = tests/fuzz/fuzz_http_parser.c
fuzz_http_parser_LDADD = $(FUZZ_LIBS)
fuzz_http_parser_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_sse_SOURCES = tests/fuzz/fuzz_sse.c
fuzz_sse_LDADD = $(FUZZ_LIBS)
fuzz_sse_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_jwt_SOURCES = tests/fuzz/fuzz_jwt.c
fuzz_jwt_LDADD = $(FUZZ_LIBS)
fuzz_jwt_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_jwks_SOURCES = tests/fuzz/fuzz_jwks.c
fuzz_jwks_LDADD = $(FUZZ_LIBS)
fuzz_jwks_LDFLAGS = $(LDFLAGS_FUZZ)
fuzz_chat_stream_SOURCES = tests/fuzz/fuzz_chat_stream.c
fuzz_chat_stream_LDADD = $(FUZZ_LIBS)
fuzz_chat_stream_LDFLAGS = $(LDFLAGS_FUZZ)
else
EXTRA_DIST += $(FUZZ_FILES)
endif
