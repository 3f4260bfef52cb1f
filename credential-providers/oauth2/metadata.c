/* Where the token endpoint is: the server's metadata (RFC 8414, OpenID Connect Discovery), fetched
 * once for all who wait and kept for an hour. */
#include "oauth2.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRESH_FOR_MS 3600000
#define RETRY_AFTER_MS 60000 /* with old metadata at hand */
#define ANSWER_MAX_BYTES (256 * 1024)
#define JSON_DEPTH 32

/* ---- addresses ------------------------------------------------------------------------------- */

/* The bytes of "https://host:port". */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");

    return host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
}

static bool is_same_origin(const char *a, const char *b)
{
    size_t left = origin_len(a), right = origin_len(b);

    if (left > 12 && strncmp(a + left - 4, ":443", 4) == 0)
        left -= 4;
    if (right > 12 && strncmp(b + right - 4, ":443", 4) == 0)
        right -= 4;
    return left > 0 && left == right && strncasecmp(a, b, left) == 0;
}

/* Metadata may name any address: only what the configuration knows gets the client's credential. */
static bool is_granted(const struct sesame_instance *instance, const char *url)
{
    const struct kit *kit = &instance->provider.kit;
    struct sesame_text all, name, value;
    size_t position = 0;
    bool is_listed = is_same_origin(url, instance->issuer);

    if (!kit_find(kit, kit_text(instance->config), "/origins", &all))
        return is_listed;
    while (!is_listed && kit->json->next(kit->host, all, &position, &name, &value) == SESAME_OK) {
        char *origin = kit_unquote(kit, value, NULL);

        is_listed = origin != NULL && is_same_origin(url, origin);
        free(origin);
    }
    return is_listed;
}

/* RFC 8414 section 3 puts the well-known part between host and path, OpenID Connect behind the
 * path; servers have one of them or both. NULL: there is no further address to try. */
static char *address(const struct sesame_instance *instance, int attempt)
{
    const char *issuer = instance->issuer;
    size_t origin = origin_len(issuer), len = strlen(issuer);
    struct kit_buffer url = {0};

    while (len > origin && issuer[len - 1] == '/')
        len--;
    if (instance->metadata_url != NULL)
        return attempt == 0 ? kit_copy(kit_text(instance->metadata_url)) : NULL;
    if (attempt == 0) {
        kit_add_text(&url, (struct sesame_text){issuer, origin});
        kit_add(&url, "/.well-known/oauth-authorization-server");
        kit_add_text(&url, (struct sesame_text){issuer + origin, len - origin});
    } else if (attempt == 1) {
        kit_add_text(&url, (struct sesame_text){issuer, len});
        kit_add(&url, "/.well-known/openid-configuration");
    }
    return url.data;
}

/* ---- who waits ------------------------------------------------------------------------------- */

static struct token_fetch *next_waiting(const struct sesame_instance *instance)
{
    struct token_fetch *fetch = instance->provider.fetches;

    while (fetch != NULL && !fetch->is_waiting)
        fetch = fetch->next;
    if (fetch != NULL)
        fetch->is_waiting = false;
    return fetch;
}

static void release_waiting(struct sesame_instance *instance)
{
    struct token_fetch *fetch;

    while ((fetch = next_waiting(instance)) != NULL)
        request_send(instance, fetch);
}

static void fail_waiting(struct sesame_instance *instance, int32_t status, const char *code)
{
    struct kit_buffer message = {0};
    struct token_fetch *fetch;

    kit_add(&message, "the metadata of ");
    kit_add(&message, instance->server);
    kit_add(&message, " cannot be used: ");
    kit_add_text(&message, kit_buffer_text(&instance->metadata.failure));
    while ((fetch = next_waiting(instance)) != NULL)
        token_fetch_fail(fetch, status, code,
                         message.has_failed ? "no memory for a token request" : message.data);
    kit_clear(&message);
}

/* ---- what the metadata says ------------------------------------------------------------------ */

/* Servers list what they take; where ours is not in the list, a refusal has its likely reason. */
static void read_methods(struct sesame_instance *instance, struct sesame_text json)
{
    const struct kit *kit = &instance->provider.kit;
    struct sesame_text list;
    char quoted[60];
    char *text;

    if (!kit_find(kit, json, "/token_endpoint_auth_methods_supported", &list))
        return;
    text = kit_copy(list);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", instance->method_name);
    if (text != NULL && strstr(text, quoted) == NULL)
        /* Cutting a long list is fine. */
        (void)snprintf(instance->hint, sizeof instance->hint,
                       "authentication.method: it is %s, and the server's metadata lists %.200s",
                       instance->method_name, text);
    free(text);
}

static char *find_token_endpoint(const struct sesame_instance *instance, struct sesame_text json)
{
    const struct kit *kit = &instance->provider.kit;
    char *alias = NULL;

    /* RFC 8705 section 5: connections with a certificate may have an address of their own. */
    if (instance->uses_certificate)
        alias = kit_get_string(kit, json, "/mtls_endpoint_aliases/token_endpoint");
    return alias != NULL ? alias : kit_get_string(kit, json, "/token_endpoint");
}

static void add_mismatch(struct kit_buffer *failure, const char *said, const char *configured)
{
    kit_add(failure, "it says that it is \"");
    kit_add(failure, said);
    kit_add(failure, "\", and \"issuer\" is \"");
    kit_add(failure, configured);
    kit_add(failure, "\": they must be the same to the letter");
}

/* False: the failure has been added. */
static bool take(struct sesame_instance *instance, struct sesame_text json)
{
    struct kit *kit = &instance->provider.kit;
    struct kit_buffer *failure = &instance->metadata.failure;
    struct sesame_text message;
    char *issuer, *endpoint = NULL;
    bool ok = false;

    if (kit->json->check(kit->host, json, JSON_DEPTH, &message) != SESAME_OK) {
        kit_add(failure, "it is not strict JSON: ");
        kit_add_text(failure, message);
        return false;
    }
    issuer = kit_get_string(kit, json, "/issuer");
    endpoint = find_token_endpoint(instance, json);
    /* RFC 8414 section 3.3: else one server could speak for another. */
    if (issuer == NULL || strcmp(issuer, instance->issuer) != 0) {
        add_mismatch(failure, issuer == NULL ? "" : issuer, instance->issuer);
    } else if (endpoint == NULL) {
        kit_add(failure, "it names no token_endpoint");
    } else if (!is_granted(instance, endpoint)) {
        kit_add(failure, "its token endpoint ");
        kit_add(failure, endpoint);
        kit_add(failure,
                " is on another origin than the issuer: add that to \"origins\" if it is "
                "right");
    } else {
        free(instance->provider.token_endpoint);
        instance->provider.token_endpoint = endpoint;
        endpoint = NULL;
        read_methods(instance, json);
        ok = true;
    }
    free(issuer);
    free(endpoint);
    return ok;
}

/* ---- the request ----------------------------------------------------------------------------- */

static void start(struct sesame_instance *instance);

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    (void)tag;
    (void)headers;
    (void)header_count;
    instance->metadata.http_status = http_status;
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    (void)tag;
    kit_add_text(&instance->metadata.body, bytes);
}

static void give_up(struct sesame_instance *instance, int32_t status)
{
    struct metadata *metadata = &instance->metadata;
    const struct kit *kit = &instance->provider.kit;

    /* What was good an hour ago serves until the server can be asked again. */
    if (instance->provider.token_endpoint != NULL) {
        metadata->fresh_until_ms = kit->clock->monotonic_ms(kit->host) + RETRY_AFTER_MS;
        release_waiting(instance);
    } else {
        fail_waiting(instance, status,
                     status == SESAME_TIMED_OUT ? "ReadTimeOut" : "MetadataUnusable");
    }
    kit_clear(&metadata->failure);
}

static bool read_answer(struct sesame_instance *instance, int32_t status,
                        struct sesame_text message)
{
    struct metadata *metadata = &instance->metadata;
    char text[40];

    if (status != SESAME_OK) {
        kit_add_text(&metadata->failure, message);
    } else if (metadata->http_status != 200) {
        (void)snprintf(text, sizeof text, "HTTP %" PRId32, metadata->http_status);
        kit_add(&metadata->failure, text);
    } else if (metadata->body.has_failed) {
        kit_add(&metadata->failure, "no memory for it");
    } else {
        return take(instance, kit_buffer_text(&metadata->body));
    }
    return false;
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct metadata *metadata = &instance->metadata;
    const struct kit *kit = &instance->provider.kit;
    bool ok = read_answer(instance, status, message);

    (void)tag;
    (void)answer;
    metadata->http = 0;
    kit_clear(&metadata->body);
    if (ok) {
        metadata->fresh_until_ms = kit->clock->monotonic_ms(kit->host) + FRESH_FOR_MS;
        kit_clear(&metadata->failure);
        release_waiting(instance);
        return;
    }
    /* No connection: the second address is at the same place. */
    if (status == SESAME_OK && metadata->attempt == 0 && instance->metadata_url == NULL) {
        metadata->attempt = 1;
        start(instance);
        return;
    }
    give_up(instance, status == SESAME_OK ? SESAME_UNAVAILABLE : status);
}

static void start(struct sesame_instance *instance)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    struct metadata *metadata = &instance->metadata;
    struct token_provider *provider = &instance->provider;
    char *url = address(instance, metadata->attempt);
    const struct sesame_http_field accept = {.name = kit_text("Accept"),
                                             .value = kit_text("application/json")};
    struct sesame_http_request http = {
        .method = kit_text("GET"),
        .url = kit_text(url),
        .headers = &accept,
        .header_count = 1,
        .deadline_ms = provider->kit.clock->monotonic_ms(provider->kit.host) + provider->timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    int32_t status = SESAME_INTERNAL;

    metadata->http_status = 0;
    if (url != NULL) {
        kit_add(&metadata->failure, metadata->failure.len == 0 ? "" : "; ");
        kit_add(&metadata->failure, url);
        kit_add(&metadata->failure, ": ");
        status = provider->http->start(provider->kit.host, &http, &events, 0, &metadata->http);
    }
    free(url);
    if (status == SESAME_OK)
        return;
    kit_add(&metadata->failure, "the request could not be sent; the log says why");
    give_up(instance, status);
}

bool metadata_is_ready(struct sesame_instance *instance, struct token_fetch *fetch)
{
    const struct kit *kit = &instance->provider.kit;

    if (instance->is_endpoint_configured ||
        (instance->provider.token_endpoint != NULL &&
         kit->clock->monotonic_ms(kit->host) < instance->metadata.fresh_until_ms))
        return true;
    fetch->is_waiting = true;
    if (instance->metadata.http == 0) {
        instance->metadata.attempt = 0;
        start(instance);
    }
    return false;
}

void metadata_doubt(struct sesame_instance *instance)
{
    instance->metadata.fresh_until_ms = 0;
}

void metadata_close(struct sesame_instance *instance)
{
    kit_clear(&instance->metadata.body);
    kit_clear(&instance->metadata.failure);
}
