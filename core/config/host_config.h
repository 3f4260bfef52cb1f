/* The host file (sesame.json): what this host listens on, whom it lets in, which credentials, model
 * and tools it uses, and its limits. The names of the keys are a contract with users.
 *
 * Immutable once loaded, shared read-only between threads. Texts are never NULL; "" means "not
 * set". No secret is in it, only names of variables and files. */
#ifndef SESAME_CONFIG_HOST_CONFIG_H
#define SESAME_CONFIG_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/source.h"

struct config_variable;
struct error;
struct idaas_config;
struct problems;

enum access_identity { ACCESS_MACHINE, ACCESS_HUMAN };
enum host_platform { PLATFORM_AUTO, PLATFORM_NONE, PLATFORM_FUNCTION_COMPUTE };

/* DEFAULT: the plugin's manifest decides (inline for first-party plugins). */
enum placement { PLACEMENT_DEFAULT, PLACEMENT_INLINE, PLACEMENT_THREAD, PLACEMENT_PROCESS };
const char *placement_text(enum placement placement);

struct inbound_config {
    char *issuer;   /* "": the IDaaS file's; host_config_complete fills it in */
    char *jwks_url; /* https, or http towards loopback */
    char *audience;
    char *scope; /* a bare value, without audience */
    int64_t leeway_s;
    bool require_typ;
};

/* A source of access tokens besides the IDaaS file's: one credential provider plugin, configured.
 */
struct provider_config {
    char *name; /* the key under "credential_providers" */
    char *plugin;
    char *config_json; /* the plugin's own configuration, an object; checked by its schema */
    enum placement placement;
};

/* OAUTH_TOKEN and JWT are made by the vault, for a credential provider that is set up there. */
enum credential_kind {
    CREDENTIAL_API_KEY,
    CREDENTIAL_ACCESS_TOKEN,
    CREDENTIAL_OAUTH_TOKEN,
    CREDENTIAL_JWT
};
const char *credential_kind_text(enum credential_kind kind); /* "api-key" */
enum credential_identity { IDENTITY_MACHINE, IDENTITY_USER };

struct credential_config {
    char *name;
    enum credential_kind kind;
    char
        *identifier; /* api-key: its name in the vault; oauth-token, jwt: of their provider there */
    char *request_json; /* oauth-token, jwt: more members of the vault's request, an object */
    char *scope;     /* access-token: "audience|value ..."; a plain scope with another provider */
    size_t provider; /* 0: the IDaaS file's, else 1 + the index in `providers` */
    enum credential_identity identity;
    char *
        *origins; /* "https://host" or "https://host:port", lower case, no default port, no path */
    size_t origin_count;
    char *attach_header; /* "Authorization" unless the key goes into the query */
    char *attach_prefix; /* "Bearer " */
    char *attach_query;  /* "" or the name of the query parameter */
    int64_t cache_s;     /* what the vault gives: how long a copy serves; default 300 */
};

struct model_config {
    char *base_url; /* without a trailing '/' */
    char *name;
    char *credential;
    char *system_prompt;
    bool is_thinking_enabled;
    bool thinks_by_template; /* the switch is an argument of the chat template (vLLM, llama.cpp) */
    int64_t thinking_budget_tokens;
    int64_t connect_timeout_ms;
    int64_t first_byte_timeout_ms;
    int64_t idle_timeout_ms; /* between two deltas */
};

/* The one program that a tool may have run, and what that may reach; see core/sandbox/program.h. */
struct program_config {
    char *path;       /* absolute; "": none is granted */
    char **arguments; /* what stands behind its name */
    size_t argument_count;
    char **reads; /* absolute: files and folders that it may read besides the system's libraries */
    size_t read_count;
    char *sha256; /* of its file, 64 hex digits; "": not held against anything */
    int64_t memory_bytes;
};

/* A function as the operator looked at it. */
struct function_pin {
    char *name;   /* as the plugin or its server calls it */
    char *sha256; /* 64 hex digits: tool_function_digest */
};

struct tool_config {
    char *name; /* the key under "tools" */
    char *plugin;
    char **credentials; /* names the tool may use */
    size_t credential_count;
    char **origins; /* origins it may call without a credential, besides those of its credentials */
    size_t origin_count;
    struct program_config program;
    struct function_pin *pins; /* when there are any, nothing else is offered to the model */
    size_t pin_count;
    char *config_json; /* the plugin's own configuration, an object; checked by its schema */
    enum placement placement;
    bool is_required; /* start fails when it cannot be created */
    /* PROCESS: start fails when the kernel lacks a means to hold the process back */
    bool is_isolation_required;
};

/* Settings of one plugin id under "plugins"."settings"; tools override them. */
struct plugin_config {
    char *id;
    enum placement placement;
    bool is_required;
    bool is_isolation_required;
    bool must_be_signed;
    char *sha256;      /* of the library, 64 hex digits; "": not held against anything */
    char *directory;   /* "": the common one */
    char *config_json; /* an object: what the provider that the IDaaS file picks gets besides it */
};

struct plugins_config {
    char *directory; /* "": found from the executable, else the installed one */
    enum placement default_placement;
    bool default_is_required;
    bool default_is_isolation_required;
    bool default_must_be_signed;
    char **trusted_keys; /* files with Ed25519 public keys, PEM */
    size_t trusted_key_count;
    struct plugin_config *items;
    size_t count;
};

struct web_config {
    bool is_enabled;
    char *directory; /* "": found as plugins are */
    char *client_id;
    char *authorize_url;
    char *logout_url;
    char *scope;
    char **cors_origins;
    size_t cors_origin_count;
    char *listen;    /* a second address that serves the page only; "" for none */
    char *agent_url; /* where that page finds the agent, as "http://127.0.0.1:9002" */
};

/* Names in the file are the same. What happens beyond a limit stands behind it. */
struct limits_config {
    int64_t header_bytes;      /* 431 */
    int64_t header_fields;     /* 431 */
    int64_t body_bytes;        /* 413 */
    int64_t token_bytes;       /* 401 */
    int64_t header_timeout_s;  /* 408 and close */
    int64_t body_timeout_s;    /* 408 and close */
    int64_t idle_timeout_s;    /* close */
    int64_t reply_queue_bytes; /* with reply_stall_s: the turn is cancelled */
    int64_t reply_stall_s;
    int64_t json_depth; /* refused */
    int64_t tool_result_json_depth;
    int64_t turn_s;            /* finish_reason length, for the next five too */
    int64_t turn_output_bytes; /* text and reasoning of all rounds */
    int64_t turn_rounds;
    int64_t turn_tool_calls;
    int64_t turn_parallel_tool_calls;
    int64_t tool_result_bytes; /* cut and marked */
    int64_t open_turns;        /* 429 with Retry-After */
    int64_t connections;       /* the listener pauses */
    int64_t drain_s;           /* turns still open after SIGTERM are cancelled */
    int64_t secret_bytes;      /* size of the locked arena */
    int64_t cached_users;      /* the least recently used one's tokens are dropped */
};

struct host_config {
    char *file; /* "built-in default" or the path */
    bool is_built_in;
    char *listen;       /* "0.0.0.0:9002" */
    int64_t workers;    /* 0: from the machine */
    char *idaas_config; /* "": found as the vendor's SDK does */
    enum host_platform platform;
    enum access_identity identity;
    struct inbound_config inbound;
    struct provider_config *providers;
    size_t provider_count;
    struct credential_config *credentials;
    size_t credential_count;
    struct model_config model;
    struct tool_config *tools;
    size_t tool_count;
    struct plugins_config plugins;
    bool is_java_sample; /* compat.java_sample */
    struct web_config web;
    struct limits_config limits;
    char *log_level;  /* debug, info, warn, error */
    char *log_format; /* json, text */
    char *audit_path; /* "stderr", "stdout", "" (off) or a file */
    bool is_audit_required;
    char *metrics_listen; /* "": off */

    struct config_variable *variables; /* which member came from which (config/reader.h) */

    struct config_pool *pool; /* owns everything above */
};

/* The variable that the member at `path` ("$.inbound.jwks_url") came from, "" when it stands in the
 * file. */
const char *host_config_variable(const struct host_config *config, const char *path);

/* The text of the built-in default; static. */
const char *host_config_built_in(void);

/* Picks the file: `argument`, else SESAME_CONFIG, else $XDG_CONFIG_HOME/sesame/sesame.json (or
 * ~/.config), else /etc/sesame/sesame.json, else none: `*out_path` is NULL then and the built-in
 * default applies. A file that was named and is not there is an error. The caller frees. */
bool host_config_find(const char *argument, const struct config_source *source, char **out_path,
                      struct error *err);

/* What the configuration is for: all that it says, or just its tools. */
enum host_config_use { HOST_CONFIG_WHOLE, HOST_CONFIG_TOOLS };

/* Reads and checks the file, or the built-in default when `path` is NULL. Top-level members that
 * are missing are the built-in ones; in a file of which just the tools are used, sign-in and model
 * are none instead, and so are built-in credentials that no tool names and whose variables are not
 * set. NULL when `problems` got at least one error. */
struct host_config *host_config_load(const char *path, const struct config_source *source,
                                     enum host_config_use use, struct problems *problems);
/* The same for a text; all of it is used. */
struct host_config *host_config_parse(const char *path, const char *text, size_t len,
                                      const struct config_source *source,
                                      struct problems *problems);

/* Whether a credential stands for the signed-in user. */
bool host_config_has_users(const struct host_config *config);

/* Whether a credential comes from IDaaS: an API key, or a token of the IDaaS file's provider. */
bool host_config_needs_idaas(const struct host_config *config);

/* Checks the two files against each other and fills in what the host file leaves to the IDaaS file
 * (inbound.issuer). `idaas` is NULL when there is none, which is fine unless it is needed. False
 * when problems were added. */
bool host_config_complete(struct host_config *config, const struct idaas_config *idaas,
                          struct problems *problems);

void host_config_free(struct host_config *config);
void host_config_cleanup(struct host_config **slot);

const struct credential_config *host_config_credential(const struct host_config *config,
                                                       const char *name);
const struct tool_config *host_config_tool(const struct host_config *config, const char *name);

/* What the settings, the defaults and the tool itself say together; PLACEMENT_DEFAULT when all
 * leave it to the manifest. `tool` may be NULL. */
enum placement host_config_placement(const struct host_config *config, const char *plugin_id,
                                     const struct tool_config *tool);
/* The plugin's own settings, or NULL. */
const struct plugin_config *host_config_plugin(const struct host_config *config,
                                               const char *plugin_id);
/* The plugin's own directory, or the common one; may be "". */
const char *host_config_plugin_directory(const struct host_config *config, const char *plugin_id);

#endif
