/* Puts together what a plugin wants to send when parts of it are secret; private to core/plugin. */
#ifndef SESAME_PLUGIN_REQUEST_BODY_H
#define SESAME_PLUGIN_REQUEST_BODY_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct plugin_instance;
struct secret;
struct sesame_http_field;

/* The fields as application/x-www-form-urlencoded, in locked memory; the caller owns it. */
struct secret *form_from_fields(struct plugin_instance *instance,
                                const struct sesame_http_field *fields, size_t count,
                                struct error *err);

/* base64(value ":" secret), in locked memory (RFC 7617; not form-encoded, as the vendor's SDK). */
struct secret *basic_from_field(const struct sesame_http_field *field, const struct secret *secret,
                                struct error *err);

#endif
