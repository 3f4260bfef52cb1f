/* What the provider is made of, whatever its server wants: services, fetches, small helpers. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <sesame/credential_provider.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_MAX_COUNT 16

struct fetch {
    uint64_t call; /* 0: free */
    uint64_t http;
    int32_t http_status;
};

struct sesame_instance {
    const struct sesame_host *host;
    const struct sesame_credential_provider_host_v1 *calls;
    const struct sesame_http_v1 *http;
    const struct sesame_json_v1 *json;
    const struct sesame_secret_v1 *secrets;
    char token_endpoint[512], client_id[512]; /* 120 characters are 480 bytes at most */
    struct fetch fetches[FETCH_MAX_COUNT];    /* several may be open at once */
};

/* Without one of these the host does not call create. */
static const char *const needs[] = {SESAME_CREDENTIAL_PROVIDER_HOST_V1, SESAME_HTTP_V1,
                                    SESAME_JSON_V1, SESAME_SECRET_V1, NULL};

static inline struct sesame_text text_of(const char *text)
{
    return (struct sesame_text){text, strlen(text)};
}

/* The open fetch of this call; of call 0 a free place. */
static inline struct fetch *find(struct sesame_instance *instance, uint64_t call)
{
    for (size_t i = 0; i < FETCH_MAX_COUNT; i++)
        if (instance->fetches[i].call == call)
            return &instance->fetches[i];
    return NULL;
}

/* Ends the call: `token` is 0 for a failure. No secret may stand in `data`. */
static inline void complete(struct sesame_instance *instance, uint64_t call, int32_t status,
                            uint64_t token, const char *data)
{
    struct sesame_token_result result = {.token = token, .data = text_of(data)};

    (void)instance->calls->complete(instance->host, call, status, &result);
}

/* A line break would end the header that the token goes into. */
static inline bool is_printable(struct sesame_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.len > 0;
}

/* The characters of the text at `pointer`, NUL-terminated; `out` is all zero bytes before. */
static inline bool read_text(const struct sesame_instance *instance, struct sesame_text config,
                             const char *pointer, char *out, size_t size)
{
    struct sesame_text literal;
    size_t len;

    return instance->json->find(instance->host, config, text_of(pointer), &literal) == SESAME_OK &&
           instance->json->unquote(instance->host, literal, out, size - 1, &len) == SESAME_OK;
}

static inline void provider_free(struct sesame_instance *instance)
{
    free(instance);
}

/* An instance that has its services; NULL without memory or one of them. */
static inline struct sesame_instance *provider_new(const struct sesame_host *host)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL)
        return NULL;
    instance->host = host;
    instance->calls = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->json = host->get_service(host, SESAME_JSON_V1);
    instance->secrets = host->get_service(host, SESAME_SECRET_V1);
    if (instance->calls != NULL && instance->http != NULL && instance->json != NULL &&
        instance->secrets != NULL)
        return instance;
    provider_free(instance);
    return NULL;
}

#endif
