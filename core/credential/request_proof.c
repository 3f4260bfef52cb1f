/* DPoP proofs of requests (RFC 9449) with the nonces that origins ask for. */
#include "credential/request_proof.h"

#include "base/clock.h"
#include "base/error.h"
#include "jwt/dpop.h"
#include "net/http_client.h"
#include "net/origin_nonces.h"

#include <string.h>

#define ORIGIN_MAX_BYTES 300

struct secret *request_proof_make(struct http_client *http, const struct signing_key *key,
                                  const struct http_request_options *options,
                                  const struct secret *access_token, struct error *err)
{
    struct dpop_request request = {.method = options->method,
                                   .url = options->url,
                                   .access_token = access_token,
                                   .now_s = clock_wall_s()};
    char origin[ORIGIN_MAX_BYTES];

    for (size_t i = 0; i < options->header_count; i++)
        if (slice_equal_nocase(options->headers[i].name, "dpop")) {
            error_set(err, ERROR_BAD_INPUT, "the header DPoP is the host's to set: leave it out");
            return NULL;
        }
    if (!url_origin(options->url, strlen(options->url), origin, sizeof origin, err))
        return NULL;
    request.nonce = origin_nonces_find(http_client_nonces(http), origin);
    return dpop_proof(key, &request, err);
}

bool request_proof_learn(struct http_client *http, const char *url, int status,
                         const struct http_answer_header *headers, size_t count)
{
    struct slice nonce = {NULL, 0};
    bool is_asked_for = false;
    char origin[ORIGIN_MAX_BYTES];
    struct error ignored = {0};

    for (size_t i = 0; i < count; i++) {
        struct slice value = headers[i].value;

        if (slice_equal_nocase(headers[i].name, "dpop-nonce"))
            nonce = value;
        else if (slice_equal_nocase(headers[i].name, "www-authenticate") && value.len > 0)
            is_asked_for =
                is_asked_for || memmem(value.data, value.len, "use_dpop_nonce", 14) != NULL;
    }
    if (!dpop_nonce_is_valid(nonce) ||
        !url_origin(url, strlen(url), origin, sizeof origin, &ignored))
        return false;
    origin_nonces_keep(http_client_nonces(http), origin, nonce);
    return status == 401 && is_asked_for;
}
