/* The names under which requests are counted, logged and made to fail. */
#ifndef LOCAL_CLOUD_ROUTE_H
#define LOCAL_CLOUD_ROUTE_H

#include <stdbool.h>

#include "base/text.h"

enum service_kind {
    SERVICE_ISSUER,
    SERVICE_DEVELOPER_API,
    SERVICE_MODEL,
    SERVICE_MCP,
    SERVICE_ENTERPRISE,
    SERVICE_OPENAPI,
    SERVICE_STS,
    SERVICE_METADATA,
    SERVICE_CONTROL,
};

/* The issuer's paths, below its host. */
#define PATH_OAUTH2 "/api/v2/iauths_system/oauth2"
#define PATH_DISCOVERY PATH_OAUTH2 "/.well-known/openid-configuration"
#define PATH_JWKS PATH_OAUTH2 "/jwks"
#define PATH_TOKEN PATH_OAUTH2 "/token"
#define PATH_AUTHORIZE "/login/app/common/oauth2/authorize"
#define PATH_LOGOUT "/login/app/common/oauth2/logout"
#define PATH_CONSENT "/login/app/common/oauth2/consent"
#define PATH_LOGIN_STYLE "/login/style.css"

/* The other services' paths. */
#define PATH_MODEL "/compatible-mode/v1"
#define PATH_MCP "/api/v1/mcps/amap-maps/mcp"

/* "token", "jwks", "discovery", "login", "consent", "logout", "issuer" (anything else there),
 * "developer-api", "model", "mcp", "enterprise", "openapi", "sts", "metadata", "control". Static.
 */
const char *route_name(enum service_kind kind, struct slice path);
bool route_is_known(const char *name);
const char *route_list(void); /* all of them, for messages */

#endif
