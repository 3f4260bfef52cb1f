/* Inbound policy, credentials, model, page, limits and log of the host file. */
#include "config/host_parts.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/error.h"
#include "base/text.h"
#include "config/endpoint.h"
#include "config/problems.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

char *host_required_text(const struct place *place, const char *key, const char *expected)
{
    char *text = place_text(place, key, "");
    struct problem *problem;

    if (text[0] != '\0' || place_is_given(place, key))
        return text;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "%s is missing", key);
    PROBLEM_SET(problem, expected, "%s", expected);
    return text;
}

static bool url_is_allowed(const char *url, struct url_parts *parts, struct error *err)
{
    if (!url_split(url, parts, err))
        return false;
    if (parts->is_https || host_is_loopback(parts->host))
        return true;
    return error_set(err, ERROR_BAD_INPUT, "plain http to %.*s: allowed towards this machine only",
                     parts->host.len > 100 ? 100 : (int)parts->host.len, parts->host.data);
}

static void report_url(const struct place *place, const char *key, const struct error *err)
{
    struct problem *problem = place_problem(place, false, key);

    PROBLEM_SET(problem, what, "%s", err->message);
    PROBLEM_SET(problem, expected, "an https URL, or http towards localhost, 127.0.0.0/8 or [::1]");
}

void host_check_url(const struct place *place, const char *key, const char *url)
{
    struct url_parts parts;
    struct error err = {0};

    if (url[0] != '\0' && !url_is_allowed(url, &parts, &err))
        report_url(place, key, &err);
}

void host_check_address(const struct place *place, const char *key, const char *address)
{
    const char *colon = strrchr(address, ':');
    struct problem *problem;
    char shown[80];
    int64_t port;

    if (colon != NULL && colon != address && strpbrk(address, " /@") == NULL &&
        parse_int64(colon + 1, strlen(colon + 1), &port) && port >= 0 && port <= 65535 &&
        (memchr(address, ':', (size_t)(colon - address)) == NULL || address[0] == '['))
        return;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "not an address");
    PROBLEM_SET(problem, found, "%s", reader_show(address, shown, sizeof shown));
    PROBLEM_SET(problem, expected, "HOST:PORT, such as 0.0.0.0:9002 or [::1]:9002");
}

bool host_is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 64 || text[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    }
    return true;
}

static char *origin_of(const struct place *place, const struct url_parts *parts)
{
    char text[320], port[8] = "";
    bool is_v6 = memchr(parts->host.data, ':', parts->host.len) != NULL;

    if (parts->port != (parts->is_https ? 443 : 80))
        problem_text(port, sizeof port, ":%d", parts->port);
    problem_text(text, sizeof text, "http%s://%s%.*s%s%s", parts->is_https ? "s" : "",
                 is_v6 ? "[" : "", parts->host.len > 255 ? 255 : (int)parts->host.len,
                 parts->host.data, is_v6 ? "]" : "", port);
    for (char *at = text; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return place_copy(place, text, strlen(text));
}

char **host_read_origins(const struct place *place, const char *key, size_t *out_count)
{
    size_t given, count = 0;
    char **origins = place_texts(place, key, &given);

    for (size_t i = 0; i < given; i++) {
        struct url_parts parts;
        struct error err = {0};
        char item_key[100];

        problem_text(item_key, sizeof item_key, "%s[%zu]", key, i);
        if (origins[i][0] == '\0')
            continue; /* reported while it was read, or empty on purpose */
        if (!url_is_allowed(origins[i], &parts, &err)) {
            report_url(place, item_key, &err);
            continue;
        }
        origins[count++] = origin_of(place, &parts);
    }
    *out_count = count;
    return origins;
}

void host_read_inbound(const struct place *root, struct host_config *config)
{
    static const char *const keys[] = {"issuer", "jwks_url", "audience",
                                       "scope",  "leeway_s", "require_typ"};
    struct inbound_config *inbound = &config->inbound;
    struct place place;

    place_object(root, "inbound", &place);
    place_check_keys(&place, keys, COUNT(keys));
    inbound->issuer = place_text(&place, "issuer", "");
    inbound->jwks_url = host_required_text(&place, "jwks_url", "the URL of the issuer's JWKS");
    host_check_url(&place, "jwks_url", inbound->jwks_url);
    inbound->audience = host_required_text(&place, "audience", "the audience of this agent");
    inbound->scope = host_required_text(&place, "scope", "the permission a caller must have");
    inbound->leeway_s = place_int(&place, "leeway_s", 60, 0, 300);
    inbound->require_typ = place_bool(&place, "require_typ", false);
}

static void read_attach(const struct place *credential, struct credential_config *out)
{
    static const char *const keys[] = {"header", "prefix", "query"};
    struct problem *problem;
    struct place place;
    bool has_header, has_query;

    place_object(credential, "attach", &place);
    place_check_keys(&place, keys, COUNT(keys));
    has_header = place_has(&place, "header");
    has_query = place_has(&place, "query");
    out->attach_header = place_text(&place, "header", has_query ? "" : "Authorization");
    out->attach_prefix = place_text(&place, "prefix", has_header || has_query ? "" : "Bearer ");
    out->attach_query = place_text(&place, "query", "");
    if (has_header && has_query) {
        problem = place_problem(&place, false, "query");
        PROBLEM_SET(problem, what, "\"header\" and \"query\" exclude each other");
    }
    if ((has_header && !host_is_name(out->attach_header)) ||
        (has_query && !host_is_name(out->attach_query))) {
        problem = place_problem(&place, false, has_query ? "query" : "header");
        PROBLEM_SET(problem, what, "not a usable name");
        PROBLEM_SET(problem, expected, "letters, digits, '-' and '_'");
    }
}

/* An identifier is the name of a key in the vault; people paste the key itself. */
static void check_identifier(const struct place *place, const char *identifier)
{
    struct problem *problem;

    if (!config_looks_like_secret(identifier))
        return;
    problem = place_problem(place, false, "identifier");
    PROBLEM_SET(problem, what, "looks like a key itself (not shown)");
    PROBLEM_SET(problem, expected, "the identifier under which the vault keeps the key");
    PROBLEM_SET(problem, fix,
                "Store the key in IDaaS and give its identifier here; have a new key made if this "
                "file or variable was visible to others.");
}

static void check_scope(const struct place *place, const struct credential_config *credential)
{
    const char *scope = credential->scope;
    struct error err = {0};
    struct problem *problem;

    /* An RFC 6749 scope has no quotes (section 3.3), and a pair of them around the guide's variable
     * is gone by now: this one is left over. */
    if (strchr(scope, '"') != NULL) {
        problem = place_problem(place, false, "scope");
        PROBLEM_SET(problem, code, "InvalidScope");
        PROBLEM_SET(problem, what, "there is a quotation mark in the scope");
        PROBLEM_SET(problem, fix, "Write it without quotes, or with a pair around the whole.");
        return;
    }
    if (scope[0] == '\0' || (credential->provider == 0 ? scope_check(scope, NULL, &err)
                                                       : scope_check_oauth(scope, NULL, &err)))
        return;
    problem = place_problem(place, false, "scope");
    PROBLEM_SET(problem, code, "%s", err.name);
    PROBLEM_SET(problem, what, "%s", err.message);
    PROBLEM_SET(problem, fix, "Write it as audience|scope, such as https://svc.example|read.");
}

/* Without one of its own a credential has the identity of the whole. */
static void read_identity(const struct place *place, const struct host_config *config,
                          struct credential_config *out)
{
    static const char *const names[] = {"machine", "user"};
    int fallback = config->identity == ACCESS_HUMAN;
    int choice = place_choice(place, "identity", place_text(place, "identity", names[fallback]),
                              names, COUNT(names));

    out->identity = choice == 1 ? IDENTITY_USER : IDENTITY_MACHINE;
}

static void misplaced(const struct place *place, const char *key, const char *kind)
{
    struct problem *problem;

    if (!place_has(place, key))
        return;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "does not belong to a credential of kind \"%s\"", kind);
    PROBLEM_SET(problem, fix, "Remove it.");
}

/* The name of one of $.credential_providers; without one the IDaaS file's provider serves. */
static void read_provider(const struct place *place, const struct host_config *config,
                          struct credential_config *out)
{
    const char *name = place_text(place, "provider", "");
    struct problem *problem;

    if (name[0] == '\0')
        return;
    for (size_t i = 0; i < config->provider_count; i++)
        if (strcmp(config->providers[i].name, name) == 0) {
            out->provider = i + 1;
            return;
        }
    problem = place_problem(place, false, "provider");
    PROBLEM_SET(problem, what, "there is no credential provider of this name");
    PROBLEM_SET(problem, found, "\"%.60s\"", name);
    PROBLEM_SET(problem, expected, "a key of $.credential_providers");
}

static const char *const credential_kinds[] = {"api-key", "access-token", "oauth-token", "jwt"};

const char *credential_kind_text(enum credential_kind kind)
{
    return credential_kinds[kind];
}

static void check_request_member(const struct place *request, const char *key, enum json_type type,
                                 const char *expected)
{
    struct json_object *value;
    struct problem *problem;

    if (!json_object_object_get_ex(request->object, key, &value) ||
        json_object_is_type(value, type))
        return;
    problem = place_problem(request, false, key);
    PROBLEM_SET(problem, what, "wrong type");
    PROBLEM_SET(problem, expected, "%s", expected);
}

static void read_oauth_token(const struct place *place, struct credential_config *out)
{
    static const char *const keys[] = {"customParameters"};
    struct problem *problem;
    struct place request;

    misplaced(place, "provider", credential_kinds[2]);
    host_required_text(place, "identifier", "the identifier of the credential provider in IDaaS");
    if (strlen(out->scope) > 256) { /* idaas.md 4 */
        problem = place_problem(place, false, "scope");
        PROBLEM_SET(problem, what, "longer than 256 characters");
    }
    place_object(place, "request", &request);
    place_check_keys(&request, keys, COUNT(keys));
    if (request.object != NULL)
        check_request_member(&request, keys[0], json_type_object, "an object of texts");
}

static void read_jwt(const struct place *place, struct credential_config *out)
{
    static const char *const keys[] = {"subject",      "audiences",  "issuer",
                                       "customClaims", "expiration", "includeDerivedShortToken"};
    struct problem *problem;
    struct place request;
    size_t count;

    misplaced(place, "provider", credential_kinds[3]);
    misplaced(place, "scope", credential_kinds[3]);
    host_required_text(place, "identifier", "the identifier of the credential provider in IDaaS");
    place_object(place, "request", &request);
    place_check_keys(&request, keys, COUNT(keys));
    (void)place_texts(&request, "audiences", &count);
    if (count == 0) {
        problem = place_problem(&request, false, "audiences");
        PROBLEM_SET(problem, what, "audiences is missing or empty");
        PROBLEM_SET(problem, expected, "the audiences of the JWT, an array of texts");
    }
    if (out->identity == IDENTITY_MACHINE)
        host_required_text(&request, "subject", "whom the JWT is about");
    (void)place_int(&request, "expiration", 900, 1, 86400);
    (void)place_bool(&request, "includeDerivedShortToken", false);
    if (request.object != NULL)
        check_request_member(&request, "customClaims", json_type_object, "an object");
}

static void read_by_kind(const struct place *place, const struct host_config *config,
                         struct credential_config *out)
{
    switch (out->kind) {
    case CREDENTIAL_API_KEY:
        misplaced(place, "scope", credential_kinds[0]);
        misplaced(place, "provider", credential_kinds[0]);
        misplaced(place, "request", credential_kinds[0]);
        host_required_text(place, "identifier", "the identifier of the key in the vault");
        check_identifier(place, out->identifier);
        break;
    case CREDENTIAL_ACCESS_TOKEN:
        misplaced(place, "identifier", credential_kinds[1]);
        misplaced(place, "request", credential_kinds[1]);
        host_required_text(place, "scope", "audience|scope");
        read_provider(place, config, out);
        check_scope(place, out);
        break;
    case CREDENTIAL_OAUTH_TOKEN:
        read_oauth_token(place, out);
        break;
    case CREDENTIAL_JWT:
        read_jwt(place, out);
        break;
    }
}

static void read_credential(const struct place *place, const struct host_config *config,
                            struct credential_config *out)
{
    static const char *const keys[] = {"kind",   "identifier", "scope",    "identity", "origins",
                                       "attach", "cache_s",    "provider", "request"};
    int kind;

    place_check_keys(place, keys, COUNT(keys));
    kind = place_choice(place, "kind", place_text(place, "kind", ""), credential_kinds,
                        COUNT(credential_kinds));
    out->kind = kind < 0 ? CREDENTIAL_API_KEY : (enum credential_kind)kind;
    out->identifier = place_text(place, "identifier", "");
    out->scope = place_text(place, "scope", "");
    out->request_json = host_read_object(
        place, "request", "It is for what everybody may know; secrets belong into IDaaS.");
    read_identity(place, config, out);
    if (kind >= 0)
        read_by_kind(place, config, out);
    out->origins = host_read_origins(place, "origins", &out->origin_count);
    if (!place_has(place, "origins")) {
        struct problem *problem = place_problem(place, false, "origins");

        PROBLEM_SET(problem, what, "origins is missing");
        PROBLEM_SET(problem, expected, "the URLs this credential may be sent to");
    }
    read_attach(place, out);
    out->cache_s = place_int(place, "cache_s", 300, 10, 86400);
}

void host_read_credentials(const struct place *root, struct host_config *config)
{
    struct place all;
    size_t count;

    if (!place_object(root, "credentials", &all) || all.object == NULL)
        return;
    count = (size_t)json_object_object_length(all.object);
    config->credentials =
        config_pool_alloc(config->pool, (count + 1) * sizeof *config->credentials);
    if (config->credentials == NULL) {
        root->reader->out_of_memory = true;
        return;
    }
    json_object_object_foreach(all.object, name, value)
    {
        struct credential_config *credential = &config->credentials[config->credential_count++];
        struct place place;

        (void)value;
        credential->name = place_copy(&all, name, strlen(name));
        if (!host_is_name(name))
            PROBLEM_SET(place_problem(&all, false, name), what, "not a usable name");
        place_object(&all, name, &place);
        read_credential(&place, config, credential);
    }
}

static void read_thinking(const struct place *model, struct model_config *out)
{
    static const char *const keys[] = {"enabled", "budget_tokens", "switch"};
    static const char *const switches[] = {"enable_thinking", "chat_template_kwargs"};
    struct place place;

    place_object(model, "thinking", &place);
    place_check_keys(&place, keys, COUNT(keys));
    out->is_thinking_enabled = place_bool(&place, "enabled", false);
    out->thinking_budget_tokens = place_int(&place, "budget_tokens", 5000, 1, 1000000);
    out->thinks_by_template =
        place_choice(&place, "switch", place_text(&place, "switch", switches[0]), switches,
                     COUNT(switches)) == 1;
}

static char *without_slash(char *url)
{
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        url[--len] = '\0';
    return url;
}

void host_read_model(const struct place *root, struct host_config *config)
{
    static const char *const keys[] = {"base_url",
                                       "name",
                                       "credential",
                                       "system_prompt",
                                       "thinking",
                                       "connect_timeout_s",
                                       "first_byte_timeout_s",
                                       "idle_timeout_s"};
    struct model_config *model = &config->model;
    struct problem *problem;
    struct place place;

    place_object(root, "model", &place);
    place_check_keys(&place, keys, COUNT(keys));
    model->base_url =
        without_slash(host_required_text(&place, "base_url", "the URL before /chat/completions"));
    host_check_url(&place, "base_url", model->base_url);
    model->name = host_required_text(&place, "name", "the name of a model, such as qwen-plus");
    model->credential = place_text(&place, "credential", "");
    model->system_prompt = place_text(&place, "system_prompt", "");
    read_thinking(&place, model);
    model->connect_timeout_ms = place_int(&place, "connect_timeout_s", 10, 1, 300) * 1000;
    model->first_byte_timeout_ms = place_int(&place, "first_byte_timeout_s", 60, 1, 600) * 1000;
    model->idle_timeout_ms = place_int(&place, "idle_timeout_s", 60, 1, 600) * 1000;
    if (model->credential[0] == '\0' || host_config_credential(config, model->credential) != NULL)
        return;
    problem = place_problem(&place, false, "credential");
    PROBLEM_SET(problem, what, "there is no credential of this name");
    PROBLEM_SET(problem, found, "\"%.60s\"", model->credential);
    PROBLEM_SET(problem, expected, "a key of $.credentials");
}

void host_read_web(const struct place *root, struct host_config *config)
{
    static const char *const keys[] = {"enabled",       "directory",  "client_id",
                                       "authorize_url", "logout_url", "scope",
                                       "cors_origins",  "listen",     "agent_url"};
    struct web_config *web = &config->web;
    struct place place;

    place_object(root, "web", &place);
    place_check_keys(&place, keys, COUNT(keys));
    web->is_enabled = place_bool(&place, "enabled", false);
    web->directory = place_text(&place, "directory", "");
    web->client_id = place_text(&place, "client_id", "");
    web->authorize_url = place_text(&place, "authorize_url", "");
    web->logout_url = place_text(&place, "logout_url", "");
    web->scope = place_text(&place, "scope", "");
    web->listen = place_text(&place, "listen", "");
    web->agent_url = place_text(&place, "agent_url", "");
    host_check_url(&place, "agent_url", web->agent_url);
    host_check_url(&place, "authorize_url", web->authorize_url);
    host_check_url(&place, "logout_url", web->logout_url);
    web->cors_origins = host_read_origins(&place, "cors_origins", &web->cors_origin_count);
}

struct limit {
    const char *name;
    size_t offset;
    int64_t fallback, min, max;
};
#define LIMIT(member, fallback, min, max)                                         \
    {                                                                             \
#member, offsetof(struct limits_config, member), (fallback), (min), (max) \
    }

static const struct limit limits[] = {
    LIMIT(header_bytes, 32 << 10, 1 << 10, 1 << 20),
    LIMIT(header_fields, 100, 8, 1000),
    LIMIT(body_bytes, 4 << 20, 1 << 10, 64 << 20),
    LIMIT(token_bytes, 16 << 10, 256, 64 << 10),
    LIMIT(header_timeout_s, 10, 1, 300),
    LIMIT(body_timeout_s, 30, 1, 600),
    LIMIT(idle_timeout_s, 75, 1, 3600),
    LIMIT(reply_queue_bytes, 256 << 10, 4 << 10, 16 << 20),
    LIMIT(reply_stall_s, 30, 1, 600),
    LIMIT(json_depth, 32, 4, 128),
    LIMIT(tool_result_json_depth, 64, 4, 128),
    LIMIT(turn_s, 300, 1, 3600),
    LIMIT(turn_rounds, 10, 1, 100),
    LIMIT(turn_output_bytes, 4 << 20, 1 << 10, 1 << 30),
    LIMIT(turn_tool_calls, 32, 1, 1000),
    LIMIT(turn_parallel_tool_calls, 8, 1, 64),
    LIMIT(tool_result_bytes, 32 << 10, 256, 4 << 20),
    LIMIT(open_turns, 512, 1, 100000),
    LIMIT(connections, 4096, 1, 100000),
    LIMIT(drain_s, 60, 0, 3600),
    LIMIT(secret_bytes, 4 << 20, 64 << 10, 64 << 20),
    LIMIT(cached_users, 1000, 1, 100000),
};

void host_read_limits(const struct place *root, struct host_config *config)
{
    const char *names[COUNT(limits)];
    struct place place;

    for (size_t i = 0; i < COUNT(limits); i++)
        names[i] = limits[i].name;
    place_object(root, "limits", &place);
    place_check_keys(&place, names, COUNT(limits));
    for (size_t i = 0; i < COUNT(limits); i++) {
        const struct limit *limit = &limits[i];
        int64_t value = place_int(&place, limit->name, limit->fallback, limit->min, limit->max);

        memcpy((char *)&config->limits + limit->offset, &value, sizeof value);
    }
}

void host_read_log(const struct place *root, struct host_config *config)
{
    static const char *const log_keys[] = {"format", "level"};
    static const char *const audit_keys[] = {"path", "required"};
    static const char *const metrics_keys[] = {"listen"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    static const char *const formats[] = {"json", "text"};
    struct place place;

    place_object(root, "log", &place);
    place_check_keys(&place, log_keys, COUNT(log_keys));
    config->log_format = place_text(&place, "format", "json");
    config->log_level = place_text(&place, "level", "info");
    place_choice(&place, "format", config->log_format, formats, COUNT(formats));
    place_choice(&place, "level", config->log_level, levels, COUNT(levels));
    place_object(root, "audit", &place);
    place_check_keys(&place, audit_keys, COUNT(audit_keys));
    config->audit_path = place_text(&place, "path", "stderr");
    config->is_audit_required = place_bool(&place, "required", false);
    place_object(root, "metrics", &place);
    place_check_keys(&place, metrics_keys, COUNT(metrics_keys));
    config->metrics_listen = place_text(&place, "listen", "");
    if (config->metrics_listen[0] != '\0')
        host_check_address(&place, "listen", config->metrics_listen);
}
