/* One exported use of every public type, for a tool that compares what it can see from symbols. */
#include <sesame/credential_provider.h>
#include <sesame/plugin.h>
#include <sesame/services.h>
#include <sesame/tool.h>

#define PROBE(name)                                                    \
    SESAME_EXPORT extern const struct sesame_##name *abi_probe_##name; \
    const struct sesame_##name *abi_probe_##name

PROBE(text);
PROBE(host);
PROBE(plugin);
PROBE(tool_request);
PROBE(tool_v1);
PROBE(tool_host_v1);
PROBE(token_request);
PROBE(credential_provider_v1);
PROBE(token_result);
PROBE(credential_provider_host_v1);
PROBE(log_v1);
PROBE(clock_v1);
PROBE(random_v1);
PROBE(loop_v1);
PROBE(json_v1);
PROBE(sse_event);
PROBE(sse_v1);
PROBE(http_field);
PROBE(binding);
PROBE(http_request);
PROBE(http_events);
PROBE(http_v1);
PROBE(credentials_v1);
PROBE(secret_part);
PROBE(secret_v1);
PROBE(sign_v1);
PROBE(platform_credentials);
PROBE(platform_credentials_v1);
