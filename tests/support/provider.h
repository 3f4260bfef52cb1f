/* A scripted credential provider on the test's own loop: answers each fetch from the loop, or
 * leaves it open for the test. */
#ifndef SESAME_TESTS_SUPPORT_PROVIDER_H
#define SESAME_TESTS_SUPPORT_PROVIDER_H

#include "base/error.h"
#include "base/secret.h"
#include "credential/provider.h"
#include "net/loop.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scripted_fetch {
    struct scripted_fetch *next;
    struct scripted_provider *provider;
    token_done_fn *done; /* NULL: cancelled */
    void *done_arg;
    bool is_queued;
    char scope[200];
    char subject[2048]; /* "" as the agent */
    int64_t deadline_ms;
};

struct scripted_provider {
    struct loop *loop;
    int fetches, open, most_open, cancels;
    /* Ends the fetch (provider_give, provider_refuse) or leaves it in `waiting`. */
    void (*answer)(struct scripted_provider *provider, struct scripted_fetch *fetch);
    struct scripted_fetch *waiting;
    void *arg;
};

static inline void provider_end(struct scripted_fetch *fetch)
{
    struct scripted_fetch **link = &fetch->provider->waiting;

    while (*link != NULL && *link != fetch)
        link = &(*link)->next;
    if (*link != NULL)
        *link = fetch->next;
    free(fetch);
}

/* With both members of the answer that say when it ends; -1: missing. */
static inline void provider_give_until(struct scripted_fetch *fetch, const char *token, size_t len,
                                       int64_t expires_in_s, int64_t expires_at_s)
{
    struct error err = {0};
    struct token_answer answer = {.token = secret_copy(token, len, &err),
                                  .expires_in_s = expires_in_s,
                                  .expires_at_s = expires_at_s};

    ck_assert_msg(answer.token != NULL, "%s", err.message);
    fetch->provider->open--;
    fetch->done(fetch->done_arg, &answer, NULL, -1);
    secret_free(answer.token);
    provider_end(fetch);
}

static inline void provider_give(struct scripted_fetch *fetch, const char *token, size_t len,
                                 int64_t lifetime_s)
{
    provider_give_until(fetch, token, len, lifetime_s, -1);
}

static inline void provider_refuse(struct scripted_fetch *fetch, enum error_code code,
                                   const char *name)
{
    struct error err = {0};

    error_set_named(&err, code, name, "the scripted provider refuses: %s", name);
    fetch->provider->open--;
    fetch->done(fetch->done_arg, NULL, &err, -1);
    provider_end(fetch);
}

static inline void provider_answer_queued(void *arg)
{
    struct scripted_fetch *fetch = arg;
    struct scripted_provider *provider = fetch->provider;

    fetch->is_queued = false;
    if (fetch->done == NULL) {
        free(fetch);
        return;
    }
    fetch->next = provider->waiting;
    provider->waiting = fetch;
    provider->answer(provider, fetch);
}

static inline struct token_fetch *provider_fetch(void *arg, const struct token_request *request,
                                                 token_done_fn *done, void *done_arg,
                                                 struct error *err)
{
    struct scripted_provider *provider = arg;
    struct scripted_fetch *fetch = calloc(1, sizeof *fetch);

    (void)err;
    ck_assert_ptr_nonnull(fetch);
    provider->fetches++;
    provider->open++;
    if (provider->open > provider->most_open)
        provider->most_open = provider->open;
    fetch->provider = provider;
    fetch->done = done;
    fetch->done_arg = done_arg;
    fetch->deadline_ms = request->deadline_ms;
    snprintf(fetch->scope, sizeof fetch->scope, "%.*s", (int)request->scope.len,
             request->scope.data);
    if (request->subject != NULL)
        snprintf(fetch->subject, sizeof fetch->subject, "%s",
                 secret_borrow(request->subject, NULL));
    fetch->is_queued = loop_post(provider->loop, provider_answer_queued, fetch);
    return (struct token_fetch *)fetch;
}

static inline void provider_cancel(void *arg, struct token_fetch *token_fetch)
{
    struct scripted_provider *provider = arg;
    struct scripted_fetch *fetch = (struct scripted_fetch *)token_fetch;

    provider->cancels++;
    provider->open--;
    fetch->done = NULL;
    if (!fetch->is_queued)
        provider_end(fetch);
}

static inline struct credential_provider provider_table(struct scripted_provider *provider)
{
    return (struct credential_provider){provider_fetch, provider_cancel, provider};
}

#endif
