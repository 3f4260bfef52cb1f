/* Where a credential may go: to the origins on its list. */
#include "credential/credential_client.h"

#include "base/error.h"
#include "config/host_config.h"
#include "net/http_client.h"

#include <string.h>

bool credential_allows_url(const struct credential_config *config, struct slice url,
                           struct error *err)
{
    char wanted[300], allowed[300];
    struct error ignored = {0};

    if (!url_origin(url.data, url.len, wanted, sizeof wanted, err))
        return false;
    for (size_t i = 0; i < config->origin_count; i++)
        if (url_origin(config->origins[i], strlen(config->origins[i]), allowed, sizeof allowed,
                       &ignored) &&
            strcmp(wanted, allowed) == 0)
            return true;
    return error_set_named(err, ERROR_DENIED, "OriginNotAllowed",
                           "the credential \"%s\" may not be sent to %s: the origin is not in "
                           "credentials.%s.origins",
                           config->name, wanted, config->name);
}
