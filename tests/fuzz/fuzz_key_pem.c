/* No text in a private key's variable crashes the reader or goes into its message. */
#include "fuzz.h"

#include "base/error.h"
#include "base/secret.h"
#include "jwt/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error err = {0};
    struct secret *pem = secret_copy((const char *)bytes, len, &err);
    struct secret *passphrase = secret_copy("x", 1, &err);

    if (pem != NULL && passphrase != NULL) {
        signing_key_free(signing_key_from_pem(pem, NULL, &err));
        error_clear(&err);
        signing_key_free(signing_key_from_pem(pem, passphrase, &err));
    }
    secret_free(pem);
    secret_free(passphrase);
    return 0;
}
