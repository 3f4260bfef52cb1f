/* Every size, offset and constant of the plugin contract on 64-bit Linux: what no symbol shows. */
#include <sesame/credential_provider.h>
#include <sesame/plugin.h>
#include <sesame/services.h>
#include <sesame/tool.h>

#include <stddef.h>

#define SIZE(type, bytes) _Static_assert(sizeof(struct sesame_##type) == (bytes), #type)
#define AT(type, member, bytes) \
    _Static_assert(offsetof(struct sesame_##type, member) == (bytes), #type "." #member)
#define VALUE(name, number) _Static_assert((name) == (number), #name)
#define NAME(name, text) _Static_assert(__builtin_strcmp(name, text) == 0, #name)

SIZE(text, 16);
AT(text, data, 0);
AT(text, len, 8);

SIZE(host, 24);
AT(host, name, 0);
AT(host, version, 8);
AT(host, get_service, 16);

SIZE(plugin, 80);
AT(plugin, id, 0);
AT(plugin, version, 8);
AT(plugin, description, 16);
AT(plugin, config_schema, 24);
AT(plugin, needs, 32);
AT(plugin, offers, 40);
AT(plugin, get_interface, 48);
AT(plugin, create, 56);
AT(plugin, stop, 64);
AT(plugin, destroy, 72);

SIZE(log_v1, 16);
AT(log_v1, write, 0);
AT(log_v1, explain, 8);

SIZE(clock_v1, 16);
AT(clock_v1, monotonic_ms, 0);
AT(clock_v1, wall_ms, 8);

SIZE(random_v1, 8);
AT(random_v1, bytes, 0);

SIZE(loop_v1, 32);
AT(loop_v1, timer_start, 0);
AT(loop_v1, timer_cancel, 8);
AT(loop_v1, post, 16);
AT(loop_v1, stopped, 24);

SIZE(json_v1, 40);
AT(json_v1, check, 0);
AT(json_v1, find, 8);
AT(json_v1, next, 16);
AT(json_v1, unquote, 24);
AT(json_v1, quote, 32);

SIZE(sse_event, 56);
AT(sse_event, type, 0);
AT(sse_event, data, 16);
AT(sse_event, id, 32);
AT(sse_event, retry_ms, 48);

SIZE(sse_v1, 32);
AT(sse_v1, open, 0);
AT(sse_v1, feed, 8);
AT(sse_v1, state, 16);
AT(sse_v1, close, 24);

SIZE(http_field, 48);
AT(http_field, name, 0);
AT(http_field, value, 16);
AT(http_field, secret, 32);
AT(http_field, kind, 40);
AT(http_field, reserved, 44);

SIZE(binding, 24);
AT(binding, proof_key, 0);
AT(binding, client_certificate, 8);
AT(binding, client_key, 16);

SIZE(http_request, 184);
AT(http_request, method, 0);
AT(http_request, url, 16);
AT(http_request, credential, 32);
AT(http_request, headers, 48);
AT(http_request, header_count, 56);
AT(http_request, form, 64);
AT(http_request, form_count, 72);
AT(http_request, body, 80);
AT(http_request, deadline_ms, 96);
AT(http_request, idle_timeout_ms, 104);
AT(http_request, answer_max_bytes, 112);
AT(http_request, flags, 120);
AT(http_request, reserved, 124);
AT(http_request, options, 128);
AT(http_request, query, 144);
AT(http_request, call, 152);
AT(http_request, binding, 160);

SIZE(http_events, 24);
AT(http_events, on_head, 0);
AT(http_events, on_data, 8);
AT(http_events, on_done, 16);

SIZE(http_v1, 24);
AT(http_v1, start, 0);
AT(http_v1, cancel, 8);
AT(http_v1, pause, 16);

SIZE(credentials_v1, 8);
AT(credentials_v1, check, 0);

SIZE(secret_part, 32);
AT(secret_part, text, 0);
AT(secret_part, secret, 16);
AT(secret_part, encoding, 24);
AT(secret_part, reserved, 28);

SIZE(secret_v1, 72);
AT(secret_v1, from_config, 0);
AT(secret_v1, json_take, 8);
AT(secret_v1, json_read, 16);
AT(secret_v1, create, 24);
AT(secret_v1, join, 32);
AT(secret_v1, from_file, 40);
AT(secret_v1, from_program, 48);
AT(secret_v1, borrow, 56);
AT(secret_v1, free, 64);

SIZE(sign_v1, 56);
AT(sign_v1, key_open, 0);
AT(sign_v1, key_generate, 8);
AT(sign_v1, key_describe, 16);
AT(sign_v1, jws, 24);
AT(sign_v1, sign, 32);
AT(sign_v1, digest, 40);
AT(sign_v1, key_free, 48);

SIZE(platform_credentials, 32);
AT(platform_credentials, access_key_id, 0);
AT(platform_credentials, access_key_secret, 8);
AT(platform_credentials, security_token, 16);
AT(platform_credentials, received_at_ms, 24);

SIZE(platform_credentials_v1, 8);
AT(platform_credentials_v1, get, 0);

SIZE(tool_request, 56);
AT(tool_request, function, 0);
AT(tool_request, arguments, 16);
AT(tool_request, deadline_ms, 32);
AT(tool_request, context, 40);

SIZE(tool_v1, 24);
AT(tool_v1, list, 0);
AT(tool_v1, call, 8);
AT(tool_v1, cancel, 16);

SIZE(tool_host_v1, 32);
AT(tool_host_v1, complete, 0);
AT(tool_host_v1, emit, 8);
AT(tool_host_v1, changed, 16);
AT(tool_host_v1, is_cancelled, 24);

SIZE(token_request, 80);
AT(token_request, scope, 0);
AT(token_request, audience, 16);
AT(token_request, values, 32);
AT(token_request, subject_token, 48);
AT(token_request, deadline_ms, 56);
AT(token_request, context, 64);

SIZE(credential_provider_v1, 16);
AT(credential_provider_v1, fetch, 0);
AT(credential_provider_v1, cancel, 8);

SIZE(token_result, 48);
AT(token_result, token, 0);
AT(token_result, binding, 8);
AT(token_result, data, 32);

SIZE(credential_provider_host_v1, 16);
AT(credential_provider_host_v1, complete, 0);
AT(credential_provider_host_v1, is_cancelled, 8);

VALUE(SESAME_OK, 0);
VALUE(SESAME_BAD_INPUT, 1);
VALUE(SESAME_DENIED, 2);
VALUE(SESAME_NOT_FOUND, 3);
VALUE(SESAME_UNAVAILABLE, 4);
VALUE(SESAME_RATE_LIMITED, 5);
VALUE(SESAME_TIMED_OUT, 6);
VALUE(SESAME_CANCELLED, 7);
VALUE(SESAME_INTERNAL, 8);
VALUE(SESAME_LIMIT, 9);
VALUE(SESAME_PENDING, 10);
VALUE(SESAME_LOG_DEBUG, 0);
VALUE(SESAME_LOG_INFO, 1);
VALUE(SESAME_LOG_WARN, 2);
VALUE(SESAME_LOG_ERROR, 3);
VALUE(SESAME_FIELD_PLAIN, 0);
VALUE(SESAME_FIELD_SECRET, 1);
VALUE(SESAME_FIELD_BASIC, 2);
VALUE(SESAME_HTTP_SECRET_ANSWER, 1);
VALUE(SESAME_PART_RAW, 0);
VALUE(SESAME_PART_PERCENT, 1);

NAME(SESAME_LOG_V1, "sesame.log/1");
NAME(SESAME_CLOCK_V1, "sesame.clock/1");
NAME(SESAME_RANDOM_V1, "sesame.random/1");
NAME(SESAME_LOOP_V1, "sesame.loop/1");
NAME(SESAME_JSON_V1, "sesame.json/1");
NAME(SESAME_SSE_V1, "sesame.sse/1");
NAME(SESAME_HTTP_V1, "sesame.http/1");
NAME(SESAME_CREDENTIALS_V1, "sesame.credentials/1");
NAME(SESAME_SECRET_V1, "sesame.secret/1");
NAME(SESAME_SIGN_V1, "sesame.sign/1");
NAME(SESAME_PLATFORM_CREDENTIALS_V1, "sesame.platform-credentials/1");
NAME(SESAME_TOOL_V1, "sesame.tool/1");
NAME(SESAME_TOOL_HOST_V1, "sesame.tool-host/1");
NAME(SESAME_CREDENTIAL_PROVIDER_V1, "sesame.credential-provider/1");
NAME(SESAME_CREDENTIAL_PROVIDER_HOST_V1, "sesame.credential-provider-host/1");
