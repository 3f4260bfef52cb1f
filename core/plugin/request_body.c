/* Puts together what a plugin wants to send when parts of it are secret. */
#include "plugin/request_body.h"

#include "base/error.h"
#include "base/secret.h"
#include "plugin/instance.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <sesame/services.h>
#include <string.h>

#define FORM_MAX_BYTES (256 * 1024)

/* Blank becomes '+', everything but unreserved characters is escaped, as the vendor's clients do.
 */
static bool add_encoded(struct secret_builder *out, const char *text, size_t len, struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool is_plain = c < 0x80 && (isalnum(c) || strchr("_.-~", c) != NULL) && c != '\0';
        const char *bytes = is_plain ? &text[i] : c == ' ' ? "+" : escaped;

        if (!secret_builder_add(out, bytes, bytes == escaped ? 3 : 1, err))
            return false;
    }
    return true;
}

static bool add_field(struct plugin_instance *instance, struct secret_builder *out,
                      const struct sesame_http_field *field, struct error *err)
{
    struct secret *secret = NULL;
    const char *bytes;
    size_t len;

    if (field->secret != 0)
        secret = handle_get(&instance->handles, HANDLE_SECRET, field->secret);
    if ((field->secret != 0 && secret == NULL) || field->kind == SESAME_FIELD_BASIC)
        return error_set(err, ERROR_NOT_FOUND, "a form field names a secret that is not there");
    if ((out->len > 0 && !secret_builder_add(out, "&", 1, err)) ||
        !add_encoded(out, field->name.data, field->name.len, err) ||
        !secret_builder_add(out, "=", 1, err) ||
        !add_encoded(out, field->value.data, field->value.len, err))
        return false;
    if (secret == NULL)
        return true;
    bytes = secret_borrow(secret, &len);
    return add_encoded(out, bytes, len, err);
}

struct secret *form_from_fields(struct plugin_instance *instance,
                                const struct sesame_http_field *fields, size_t count,
                                struct error *err)
{
    struct secret_builder out;
    struct secret *form = NULL;
    bool ok = true;

    secret_builder_init(&out, FORM_MAX_BYTES);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_field(instance, &out, &fields[i], err);
    if (ok)
        form = secret_builder_take(&out, err);
    secret_builder_clear(&out);
    return form;
}

struct secret *basic_from_field(const struct sesame_http_field *field, const struct secret *secret,
                                struct error *err)
{
    struct secret *plain, *encoded = NULL;
    const char *bytes;
    char *out;
    size_t len;

    plain = secret_new(field->value.len + 1 + secret_len(secret), err);
    if (plain == NULL)
        return NULL;
    out = secret_edit(plain, NULL);
    if (field->value.len > 0)
        memcpy(out, field->value.data, field->value.len);
    out[field->value.len] = ':';
    bytes = secret_borrow(secret, &len);
    memcpy(out + field->value.len + 1, bytes, len);
    bytes = secret_borrow(plain, &len);
    /* EVP_EncodeBlock writes a NUL behind what it encodes. */
    encoded = secret_new((len + 2) / 3 * 4 + 1, err);
    if (encoded != NULL) {
        int written = EVP_EncodeBlock((unsigned char *)secret_edit(encoded, NULL),
                                      (const unsigned char *)bytes, (int)len);

        secret_shrink(encoded, (size_t)written);
    }
    secret_free(plain);
    return encoded;
}
