/* The identity document of this machine, from the metadata service of Alibaba Cloud.
 *
 * First a session token (the hardened mode, the only one used), then the document, which the cloud
 * signs with PKCS#7 over the audience we name. */
#include "federated_pkcs7.h"

#include <stdio.h>
#include <string.h>

#define SESSION_LIFETIME "3600"
/* The vendor's SDK renews a document after half an hour and uses it for an hour. */
#define RENEW_AFTER_S 1800
#define USE_AT_MOST_S 3600
/* The service answers within milliseconds; elsewhere nobody answers at all. */
#define TIMEOUT_MS 3000

static int64_t now_s(const struct sesame_instance *instance)
{
    const struct kit *kit = &instance->provider.kit;

    return kit->clock->wall_ms(kit->host) / 1000;
}

static void set_url(const struct sesame_instance *instance, struct kit_buffer *url,
                    const char *path)
{
    const char *endpoint = instance->metadata_endpoint;
    size_t len = strlen(endpoint);

    kit_add_text(url, (struct sesame_text){endpoint, endpoint[len - 1] == '/' ? len - 1 : len});
    kit_add(url, path);
}

/* One request; `header` may name a secret. */
static void ask(struct sesame_instance *instance, struct token_fetch *fetch, const char *method,
                const struct kit_buffer *url, const struct sesame_http_field *header,
                token_then_fn *then)
{
    const struct kit *kit = &instance->provider.kit;
    struct sesame_http_request http = {
        .method = kit_text(method),
        .url = kit_buffer_text(url),
        .headers = header,
        .header_count = 1,
        .deadline_ms = kit->clock->monotonic_ms(kit->host) + TIMEOUT_MS,
    };

    if (url->has_failed)
        token_fetch_fail(fetch, SESAME_INTERNAL, "", "no memory for a metadata request");
    else
        token_fetch_call(fetch, &http, then);
}

static bool is_younger_than(const struct sesame_instance *instance, int64_t age_s)
{
    return instance->document != 0 && now_s(instance) < instance->signed_at_s + age_s;
}

bool attested_document_is_young(const struct sesame_instance *instance)
{
    return is_younger_than(instance, RENEW_AFTER_S);
}

/* Without a new document: the old one, or the end. */
static void go_without(struct sesame_instance *instance, struct token_fetch *fetch,
                       const char *what, const struct token_reply *reply)
{
    char message[500], reason[200];

    if (is_younger_than(instance, USE_AT_MOST_S)) {
        federated_request_send(instance, fetch);
        return;
    }
    /* Cutting the host's own message is fine. */
    if (reply->status == SESAME_OK)
        (void)snprintf(reason, sizeof reason, "HTTP %d", (int)reply->http_status);
    else
        (void)snprintf(reason, sizeof reason, "%s", reply->message);
    (void)snprintf(message, sizeof message,
                   "the metadata service at %.100s gave no %s (%s): clientDeployEnvironment "
                   "ALIBABA_CLOUD_ECS needs an ECS instance whose metadata service is switched on",
                   instance->metadata_endpoint, what, reason);
    token_fetch_fail(fetch,
                     reply->status == SESAME_TIMED_OUT ? SESAME_TIMED_OUT : SESAME_UNAVAILABLE,
                     "AttestedDocumentNotAvailable", message);
}

/* Redirects are not followed, so anything but 200 is a refusal. */
static bool has_answer(const struct token_reply *reply)
{
    return reply->status == SESAME_OK && reply->http_status == 200 && reply->answer != 0;
}

static void on_document(struct sesame_instance *instance, struct token_fetch *fetch,
                        const struct token_reply *reply)
{
    const struct token_provider *provider = &instance->provider;
    struct sesame_secret_part whole = {.secret = reply->answer, .encoding = SESAME_PART_RAW};
    uint64_t document = 0;

    if (!has_answer(reply) ||
        provider->secret->join(provider->kit.host, &whole, 1, &document) != SESAME_OK) {
        go_without(instance, fetch, "identity document", reply);
        return;
    }
    provider->secret->free(provider->kit.host, instance->document);
    instance->document = document;
    /* Its signingTime is the moment of some request, at most one timeout ago. */
    instance->signed_at_s = now_s(instance) - TIMEOUT_MS / 1000;
    federated_request_send(instance, fetch);
}

/* ?audience={"aud": INSTANCE, "signingTime": NOW}, which the cloud signs with the document. */
static void add_audience(struct sesame_instance *instance, struct kit_buffer *url)
{
    const struct kit *kit = &instance->provider.kit;
    struct kit_buffer audience = {0};

    kit_add(&audience, "{\"aud\":");
    kit_add_quoted(kit, &audience, kit_text(instance->instance_id));
    kit_add(&audience, ",\"signingTime\":");
    kit_add_number(&audience, now_s(instance));
    kit_add(&audience, "}");
    if (audience.has_failed)
        url->has_failed = true;
    else
        kit_add_percent(url, kit_buffer_text(&audience));
    kit_clear(&audience);
}

static void on_session(struct sesame_instance *instance, struct token_fetch *fetch,
                       const struct token_reply *reply)
{
    struct sesame_http_field session = {.name = kit_text("X-aliyun-ecs-metadata-token"),
                                        .secret = reply->answer,
                                        .kind = SESAME_FIELD_SECRET};
    struct kit_buffer url = {0};

    if (!has_answer(reply)) {
        go_without(instance, fetch, "session token", reply);
        return;
    }
    set_url(instance, &url, "/latest/dynamic/instance-identity/pkcs7?audience=");
    add_audience(instance, &url);
    ask(instance, fetch, "GET", &url, &session, on_document);
    kit_clear(&url);
}

void attested_document_renew(struct sesame_instance *instance, struct token_fetch *fetch)
{
    const struct sesame_http_field lifetime = {
        .name = kit_text("X-aliyun-ecs-metadata-token-ttl-seconds"),
        .value = kit_text(SESSION_LIFETIME),
    };
    struct kit_buffer url = {0};

    set_url(instance, &url, "/latest/api/token");
    ask(instance, fetch, "PUT", &url, &lifetime, on_session);
    kit_clear(&url);
}
