/* No token is granted that was not signed, and none crashes the check. */
#include "fuzz.h"

#include "base/error.h"
#include "jwt/access_token.h"
#include "jwt/jwks.h"

#include <stdlib.h>
#include <string.h>

static const char keys[] =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":"
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"; /* RFC 8037 appendix A.2 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct jwks *jwks;
    struct access_token_policy policy = {
        .issuer = "i", .audience = "a", .scope = "s", .leeway_s = 60};
    struct access_token_claims claims = {0};
    struct error err = {0};
    const char *reason;

    if (jwks == NULL)
        jwks = jwks_parse(keys, sizeof keys - 1, &err);
    if (access_token_check(&policy, jwks, (struct slice){(const char *)bytes, len}, 1800000000,
                           &claims, &reason) == ACCESS_GRANTED)
        abort();
    return 0;
}
