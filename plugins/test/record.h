/* The host's services as a plugin under test sees them: each call noted first; private. */
#ifndef SESAME_PLUGINS_TEST_RECORD_H
#define SESAME_PLUGINS_TEST_RECORD_H

#include "script.h"

/* Notes the call. The host that does the work, or NULL behind `destroy`, which is a fault. */
const struct sesame_host *recorded_enter(const struct sesame_host *host, const char *service,
                                         const char *function);

/* A plugin asked whether its call is cancelled. */
void test_call_asked(struct sesame_test_call *call);

extern const struct sesame_log_v1 recorded_log;
extern const struct sesame_clock_v1 recorded_clock;
extern const struct sesame_random_v1 recorded_random;
extern const struct sesame_loop_v1 recorded_loop;
extern const struct sesame_json_v1 recorded_json;
extern const struct sesame_sse_v1 recorded_sse;
extern const struct sesame_http_v1 recorded_http;
extern const struct sesame_program_v1 recorded_program;
extern const struct sesame_credentials_v1 recorded_credentials;
extern const struct sesame_tool_host_v1 recorded_tool;
extern const struct sesame_credential_provider_host_v1 recorded_provider;
extern const struct sesame_secret_v1 recorded_secret;
extern const struct sesame_sign_v1 recorded_sign;
extern const struct sesame_platform_credentials_v1 recorded_platform;

#endif
