/* No key set document crashes the reader. */
#include "fuzz.h"

#include "base/error.h"
#include "jwt/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error err = {0};

    jwks_free(jwks_parse((const char *)bytes, len, &err));
    return 0;
}
