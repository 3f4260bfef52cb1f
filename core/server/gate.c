/* Lets a request in or says why not: AT_u checked with the key set at hand. */
#include "server/gate.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "jwt/jwks.h"
#include "jwt/token_memo.h"
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MEMO_MAX_COUNT 4096
#define KEYS_WAIT_MS 5000
#define WAIT_MAX_COUNT 256

struct gate_wait {
    struct gate_wait *next;
    struct gate *gate;
    struct secret *authorization;
    struct loop_timer *timer;
    void (*on_verdict)(void *arg, const struct gate_verdict *verdict);
    void *arg;
};

struct gate {
    struct loop *loop;
    struct gate_options options;
    struct jwks *jwks;
    struct token_memo *memo;
    struct gate_wait *waits;
    size_t wait_count;
    char scope_challenge[400];
    char scope_message[300];
};

static const struct gate_verdict no_token = {
    .status = 401,
    .reason = "no_token",
    .challenge = "Bearer",
    .code = "invalid_token",
    .message = "Sign-in required.",
};
static const struct gate_verdict bad_header = {
    .status = 401,
    .reason = "bad_header",
    .challenge = "Bearer",
    .code = "invalid_token",
    .message = "The Authorization header is not of the form \"Bearer <token>\".",
};
static const struct gate_verdict no_keys = {
    .status = 503,
    .reason = "no_keys",
    .code = "JwksUnavailable",
    .message =
        "Sign-in keys cannot be loaded from JWKS_ENDPOINT. Check the address and the "
        "network.",
};

/* The token within "Bearer <token>" (RFC 6750 section 2.1; the scheme without case). */
static bool split_header(const struct secret *authorization, struct slice *out_token)
{
    struct slice value;

    value.data = secret_borrow(authorization, &value.len);
    if (value.len < 8 || strncasecmp(value.data, "Bearer ", 7) != 0)
        return false;
    *out_token = slice_trim((struct slice){value.data + 7, value.len - 7});
    return out_token->len > 0 && memchr(out_token->data, ' ', out_token->len) == NULL;
}

static struct gate_verdict refusal(const struct gate *gate, enum access_verdict verdict,
                                   const char *reason)
{
    if (verdict == ACCESS_SCOPE_INSUFFICIENT)
        return (struct gate_verdict){.status = 403,
                                     .reason = reason,
                                     .challenge = gate->scope_challenge,
                                     .code = "insufficient_scope",
                                     .message = gate->scope_message};
    return (struct gate_verdict){
        .status = 401,
        .reason = reason,
        .challenge = "Bearer error=\"invalid_token\"",
        .code = "invalid_token",
        .message = "Access token validation failed: the token is expired or invalid. Log in again.",
    };
}

/* False: keys are missing, and `out` is what to say when none come. */
static bool judge(struct gate *gate, const struct secret *authorization,
                  void (*on_verdict)(void *arg, const struct gate_verdict *verdict), void *arg,
                  struct gate_verdict *out)
{
    const struct access_token_policy *policy = &gate->options.policy;
    int64_t now_s = clock_wall_s();
    struct gate_verdict granted = {.status = 200, .reason = ""};
    struct access_token_claims claims;
    enum access_verdict verdict;
    const char *reason = "";
    struct token_digest digest;
    struct slice token;
    bool has_digest, is_kept;

    if (!split_header(authorization, &token)) {
        on_verdict(arg, &bad_header);
        return true;
    }
    if (gate->jwks == NULL) {
        *out = no_keys;
        return false;
    }
    granted.token = token;
    has_digest = token_memo_digest(gate->memo, token, &digest);
    if (has_digest)
        granted.claims = token_memo_find(gate->memo, &digest, now_s, policy->leeway_s);
    if (granted.claims != NULL) {
        on_verdict(arg, &granted);
        return true;
    }
    verdict = access_token_check(policy, gate->jwks, token, now_s, &claims, &reason);
    if (verdict == ACCESS_UNKNOWN_KID) {
        *out = refusal(gate, verdict, reason);
        return false;
    }
    if (verdict != ACCESS_GRANTED) {
        struct gate_verdict refused = refusal(gate, verdict, reason);

        on_verdict(arg, &refused);
        return true;
    }
    granted.claims = &claims;
    /* Before the verdict: it may end the request, and the token's bytes with it. */
    is_kept = has_digest && token_memo_put(gate->memo, &digest, &claims);
    on_verdict(arg, &granted);
    if (!is_kept)
        access_token_claims_clear(&claims);
    return true;
}

/* ---- waiting for keys ------------------------------------------------------------------------ */

static void unlink_wait(struct gate_wait *wait)
{
    struct gate_wait **link = &wait->gate->waits;

    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    wait->gate->wait_count--;
}

static void free_wait(struct gate_wait *wait)
{
    loop_timer_free(wait->timer);
    secret_free(wait->authorization);
    free(wait);
}

/* Whatever the keys say now is final. */
static void settle(struct gate_wait *wait)
{
    struct gate_verdict verdict;

    unlink_wait(wait);
    if (!judge(wait->gate, wait->authorization, wait->on_verdict, wait->arg, &verdict))
        wait->on_verdict(wait->arg, &verdict);
    free_wait(wait);
}

static void on_wait_over(void *arg)
{
    settle(arg);
}

void gate_wait_cancel(struct gate_wait *wait)
{
    if (wait == NULL)
        return;
    unlink_wait(wait);
    free_wait(wait);
}

static struct gate_wait *
wait_for_keys(struct gate *gate, struct secret *authorization,
              void (*on_verdict)(void *arg, const struct gate_verdict *verdict), void *arg)
{
    struct gate_wait *wait = gate->wait_count < WAIT_MAX_COUNT ? calloc(1, sizeof *wait) : NULL;
    struct error ignored = {0};

    if (wait == NULL)
        return NULL;
    wait->gate = gate;
    wait->timer = loop_timer_new(gate->loop, on_wait_over, wait, &ignored);
    if (wait->timer == NULL) {
        free(wait);
        return NULL;
    }
    wait->authorization = secret_ref(authorization);
    wait->on_verdict = on_verdict;
    wait->arg = arg;
    wait->next = gate->waits;
    gate->waits = wait;
    gate->wait_count++;
    loop_timer_start(wait->timer, KEYS_WAIT_MS);
    gate->options.want_keys(gate->options.arg);
    return wait;
}

/* ---- the gate -------------------------------------------------------------------------------- */

struct gate *gate_new(struct loop *loop, const struct gate_options *options, struct error *err)
{
    struct gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL || (gate->memo = token_memo_new(MEMO_MAX_COUNT)) == NULL) {
        free(gate);
        error_set(err, ERROR_NO_MEMORY, "no memory for the gate");
        return NULL;
    }
    gate->loop = loop;
    gate->options = *options;
    /* Cutting a scope that long is fine: it is for people. */
    (void)snprintf(gate->scope_challenge, sizeof gate->scope_challenge,
                   "Bearer error=\"insufficient_scope\", scope=\"%.200s\"", options->policy.scope);
    (void)snprintf(gate->scope_message, sizeof gate->scope_message,
                   "Your account lacks the permission \"%.100s\" for this agent. Ask the "
                   "administrator to grant it to the client application.",
                   options->policy.scope);
    return gate;
}

void gate_free(struct gate *gate)
{
    if (gate == NULL)
        return;
    while (gate->waits != NULL)
        gate_wait_cancel(gate->waits);
    token_memo_free(gate->memo);
    jwks_free(gate->jwks);
    free(gate);
}

void gate_set_keys(struct gate *gate, struct jwks *jwks)
{
    struct gate_wait *wait = gate->waits;

    /* The same set again: there is no newer one, and what was verified stays so. */
    if (jwks != gate->jwks) {
        jwks_free(gate->jwks);
        gate->jwks = jwks == NULL ? NULL : jwks_ref(jwks);
        token_memo_clear(gate->memo);
    }
    if (jwks == NULL)
        return;
    while (wait != NULL) {
        /* A verdict may cancel others, so begin anew after each. */
        settle(wait);
        wait = gate->waits;
    }
}

struct gate_wait *gate_check(struct gate *gate, struct secret *authorization, size_t count,
                             void (*on_verdict)(void *arg, const struct gate_verdict *verdict),
                             void *arg)
{
    struct gate_verdict verdict;
    struct gate_wait *wait;

    if (authorization == NULL || count != 1) {
        on_verdict(arg, authorization == NULL ? &no_token : &bad_header);
        return NULL;
    }
    if (judge(gate, authorization, on_verdict, arg, &verdict))
        return NULL;
    wait = wait_for_keys(gate, authorization, on_verdict, arg);
    if (wait == NULL)
        on_verdict(arg, &verdict);
    return wait;
}
