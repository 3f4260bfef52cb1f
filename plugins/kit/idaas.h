/* The IDaaS file as its providers read it: the common part of their configuration. */
#ifndef SESAME_PLUGINS_KIT_IDAAS_H
#define SESAME_PLUGINS_KIT_IDAAS_H

#include "plugins/kit/token_provider.h"

/* The schema of a provider's configuration: the IDaaS file (idaas.md 1.1), of which the host hands
 * over the whole. `AUTHN_PROPERTIES` are the members of authnConfiguration that the method uses,
 * `AUTHN_REQUIRED` the names of the needed ones, both as JSON; `OWN_PROPERTIES` are members of the
 * plugin's own, each with a comma behind it. */
#define IDAAS_CONFIG_SCHEMA_WITH(OWN_PROPERTIES, AUTHN_PROPERTIES, AUTHN_REQUIRED)  \
    "{\"type\":\"object\",\"properties\":{" OWN_PROPERTIES                          \
    "\"idaasInstanceId\":{\"type\":\"string\"},"                                    \
    "\"clientId\":{\"type\":\"string\",\"minLength\":1},"                           \
    "\"tokenEndpoint\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true},"    \
    "\"authnConfiguration\":{\"type\":\"object\",\"properties\":{" AUTHN_PROPERTIES \
    "},\"required\":[" AUTHN_REQUIRED                                               \
    "]},"                                                                           \
    "\"httpConfiguration\":{\"type\":\"object\",\"default\":{},\"properties\":{"    \
    "\"connectTimeout\":{\"type\":\"integer\",\"default\":5000},"                   \
    "\"readTimeout\":{\"type\":\"integer\",\"default\":10000}}}},"                  \
    "\"required\":[\"clientId\",\"tokenEndpoint\",\"authnConfiguration\"]}"
#define IDAAS_CONFIG_SCHEMA(AUTHN_PROPERTIES, AUTHN_REQUIRED) \
    IDAAS_CONFIG_SCHEMA_WITH("", AUTHN_PROPERTIES, AUTHN_REQUIRED)

/* Opens `provider` for IDaaS: services, client id, token endpoint, times. `credential_hint` names
 * what to check when IDaaS refuses the agent. False when something is missing. */
bool idaas_open(struct token_provider *provider, const struct sesame_host *host,
                struct sesame_text config, const char *credential_hint);

#endif
