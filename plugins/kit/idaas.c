/* The IDaaS file as its providers read it: the common part of their configuration. */
#include "plugins/kit/idaas.h"

bool idaas_open(struct token_provider *provider, const struct sesame_host *host,
                struct sesame_text config, const char *credential_hint)
{
    const struct kit *kit = &provider->kit;
    int64_t connect_ms = 5000, read_ms = 10000;

    if (!token_provider_open(provider, host))
        return false;
    provider->server = "IDaaS";
    provider->credential_hint = credential_hint;
    provider->scope_hint = "the permission configuration of the target node";
    provider->client_id = kit_get_string(kit, config, "/clientId");
    provider->token_endpoint = kit_get_string(kit, config, "/tokenEndpoint");
    (void)kit_get_int(kit, config, "/httpConfiguration/connectTimeout", &connect_ms);
    (void)kit_get_int(kit, config, "/httpConfiguration/readTimeout", &read_ms);
    provider->timeout_ms = connect_ms + read_ms;
    return provider->client_id != NULL && provider->token_endpoint != NULL;
}
