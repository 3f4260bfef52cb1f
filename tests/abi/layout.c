/* Sizes, offsets and constants of the plugin contract on 64-bit Linux: what no symbol shows. */
#include <sesame/credential_provider.h>
#include <sesame/plugin.h>
#include <sesame/services.h>
#include <sesame/tool.h>

#include <stddef.h>

#define SIZE(type, bytes) _Static_assert(sizeof(struct sesame_##type) == (bytes), #type)
#define AT(type, member, bytes) \
    _Static_assert(offsetof(struct sesame_##type, member) == (bytes), #type "." #member)
#define VALUE(name, number) _Static_assert((name) == (number), #name)

SIZE(text, 16);
SIZE(host, 24);
AT(host, get_service, 16);
SIZE(plugin, 80);
AT(plugin, config_schema, 24);
AT(plugin, needs, 32);
AT(plugin, offers, 40);
AT(plugin, get_interface, 48);
AT(plugin, create, 56);
AT(plugin, stop, 64);
AT(plugin, destroy, 72);
SIZE(tool_request, 56);
AT(tool_request, deadline_ms, 32);
AT(tool_request, context, 40);
SIZE(tool_v1, 24);
SIZE(tool_host_v1, 32);
SIZE(token_request, 80);
AT(token_request, subject_token, 48);
AT(token_request, deadline_ms, 56);
SIZE(credential_provider_v1, 16);
SIZE(token_result, 48);
AT(token_result, binding, 8);
AT(token_result, data, 32);
SIZE(credential_provider_host_v1, 16);
SIZE(log_v1, 16);
SIZE(clock_v1, 16);
SIZE(random_v1, 8);
SIZE(loop_v1, 32);
SIZE(json_v1, 40);
SIZE(sse_event, 56);
SIZE(sse_v1, 32);
SIZE(http_field, 48);
AT(http_field, secret, 32);
AT(http_field, kind, 40);
SIZE(binding, 24);
AT(binding, client_certificate, 8);
AT(binding, client_key, 16);
SIZE(http_request, 184);
AT(http_request, headers, 48);
AT(http_request, form, 64);
AT(http_request, body, 80);
AT(http_request, deadline_ms, 96);
AT(http_request, answer_max_bytes, 112);
AT(http_request, flags, 120);
AT(http_request, options, 128);
AT(http_request, query, 144);
AT(http_request, call, 152);
AT(http_request, binding, 160);
SIZE(http_events, 24);
SIZE(http_v1, 24);
SIZE(credentials_v1, 8);
SIZE(secret_part, 32);
SIZE(secret_v1, 72);
SIZE(sign_v1, 56);
SIZE(platform_credentials, 32);
SIZE(platform_credentials_v1, 8);

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
