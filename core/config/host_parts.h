/* The sections of the host file, one function each; private to core/config. */
#ifndef SESAME_CONFIG_HOST_PARTS_H
#define SESAME_CONFIG_HOST_PARTS_H

#include "config/host_config.h"
#include "config/reader.h"

/* Each reads one member of the file's root and records what is wrong. */
void host_read_inbound(const struct place *root, struct host_config *config);
void host_read_providers(const struct place *root, struct host_config *config);
/* Needs the providers. */
void host_read_credentials(const struct place *root, struct host_config *config);
void host_read_model(const struct place *root, struct host_config *config);
void host_read_web(const struct place *root, struct host_config *config);
void host_read_limits(const struct place *root, struct host_config *config);
void host_read_log(const struct place *root, struct host_config *config);
/* The two below need the credentials. */
void host_read_plugins(const struct place *root, struct host_config *config);
void host_read_tools(const struct place *root, struct host_config *config);

/* A member that must not be empty; reported once. */
char *host_required_text(const struct place *place, const char *key, const char *expected);

/* The object under `key` as JSON text, "{}" when there is none; its texts are expanded. What looks
 * like a secret in it is refused, with `secret_fix` for advice. */
char *host_read_object(const struct place *owner, const char *key, const char *secret_fix);

/* A URL that must be https, or http towards loopback; "" is let through. */
void host_check_url(const struct place *place, const char *key, const char *url);

/* "host:port", "[v6]:port". */
void host_check_address(const struct place *place, const char *key, const char *address);

/* The array of origins under `key`, each reduced to "scheme://host[:port]" in lower case. */
char **host_read_origins(const struct place *place, const char *key, size_t *out_count);

/* Names of credentials, tools and plugins: 1 to 64 of A-Z a-z 0-9 _ - and not a dash first. */
bool host_is_name(const char *text);

/* Takes out of the built-in default what is missed by nobody who just uses the tools of `file`.
 * False without memory. */
bool host_default_for_tools(struct json_object *built_in, struct json_object *file,
                            const struct config_source *source);

#endif
