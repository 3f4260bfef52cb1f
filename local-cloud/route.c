/* The names under which requests are counted, logged and made to fail. */
#include "local-cloud/route.h"

#include <string.h>

static const struct {
    const char *path;
    const char *name;
} issuer_routes[] = {
    {PATH_TOKEN, "token"},       {PATH_JWKS, "jwks"},     {PATH_DISCOVERY, "discovery"},
    {PATH_AUTHORIZE, "login"},   {PATH_LOGOUT, "logout"}, {PATH_CONSENT, "consent"},
    {PATH_LOGIN_STYLE, "login"},
};

static const char *const service_names[] = {
    [SERVICE_ISSUER] = "issuer",
    [SERVICE_DEVELOPER_API] = "developer-api",
    [SERVICE_MODEL] = "model",
    [SERVICE_MCP] = "mcp",
    [SERVICE_ENTERPRISE] = "enterprise",
    [SERVICE_OPENAPI] = "openapi",
    [SERVICE_STS] = "sts",
    [SERVICE_METADATA] = "metadata",
    [SERVICE_CONTROL] = "control",
};

const char *route_name(enum service_kind kind, struct slice path)
{
    if (kind == SERVICE_ISSUER)
        for (size_t i = 0; i < sizeof issuer_routes / sizeof issuer_routes[0]; i++)
            if (slice_equal_text(path, issuer_routes[i].path))
                return issuer_routes[i].name;
    return service_names[kind];
}

bool route_is_known(const char *name)
{
    for (size_t i = 0; i < sizeof issuer_routes / sizeof issuer_routes[0]; i++)
        if (strcmp(issuer_routes[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < SERVICE_CONTROL; i++)
        if (strcmp(service_names[i], name) == 0)
            return true;
    return false;
}

const char *route_list(void)
{
    return "token, jwks, discovery, login, consent, logout, issuer, developer-api, model, mcp, "
           "enterprise, "
           "openapi, sts, metadata";
}
