/* What the parts of the IDaaS file's reader share; private to core/config. */
#ifndef SESAME_CONFIG_IDAAS_PRIVATE_H
#define SESAME_CONFIG_IDAAS_PRIVATE_H

#include <stdbool.h>

struct idaas_config;
struct place;

/* Reports that `key` is missing, under the vendor's code. */
void idaas_missing(const struct place *place, const char *key, const char *code,
                   const char *expected);

/* Present with a value of the wrong type: that has been reported, "is missing" would confuse. */
bool idaas_is_mistyped(const struct place *place, const char *key);

/* What is wrong with the certificates of method PCA: missing, no certificate, a private key among
 * them; as warnings, since the service decides by its own clock: expired, not valid yet, a chain
 * that does not begin with the issuer. */
void idaas_check_certificates(const struct place *authn, const struct idaas_config *config);

/* Checks the members that the configuration's method needs, and finds out which file holds the
 * OIDC token. */
void idaas_check_method(const struct place *authn, struct idaas_config *config);

#endif
