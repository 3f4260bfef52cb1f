/* One plan being carried out: the first key, then one role after the other. */
#ifndef ALIBABA_RUN_H
#define ALIBABA_RUN_H

#include "alibaba.h"

struct run {
    struct sesame_instance *instance;
    struct plan plan;
    struct credentials got; /* so far */
    size_t next_role;
    int64_t deadline_ms;
    struct reason reason; /* why it failed */
    struct call call;
    char hash[65]; /* of the signed request under way */
    /* metadata.c */
    int metadata_step;
    uint64_t metadata_token; /* secret handle; 0: mode v1 */
    /* Ends the run: `got` holds the key, or `reason` says why there is none. */
    void (*on_end)(struct run *run, bool has_key);
};

/* Carries out `run->plan`; on_end follows, perhaps before this returns. */
void run_start(struct run *run);
void run_free(struct run *run);

/* Each base begins here and ends with run_step_done. */
void oidc_begin(struct run *run);
void metadata_begin(struct run *run);
void uri_begin(struct run *run);
void external_begin(struct run *run);
void assume_role_begin(struct run *run, const struct role *role);

/* The step is over: with a key in `fresh` (taken), or with the reason in `run->reason`. */
void run_step_done(struct run *run, struct credentials *fresh);
/* run_step_done without a key, where the request itself failed or was refused. */
void run_step_failed(struct run *run, const char *what, int32_t status, struct sesame_text message);
/* The same for an answer that is an error of the API. */
void run_step_refused(struct run *run, const char *what, uint64_t answer);

/* Takes the four members below `prefix` ("" or "/Credentials") out of an answer, checked: texts
 * that fit a header, an expiry in the future. False with a reason. */
bool credentials_read(struct sesame_instance *instance, uint64_t answer, const char *prefix,
                      struct credentials *out, struct reason *reason);
/* A key from three handles, which it takes on success and on failure; `token` may be 0. */
bool credentials_make(struct sesame_instance *instance, uint64_t id, uint64_t secret,
                      uint64_t token, struct credentials *out, struct reason *reason);

/* Splits a command line as a shell would, quotes and backslashes only; the words lie in `line`
 * itself. False for an open quote or more than `capacity` words. */
bool command_split(char *line, struct sesame_text *words, size_t capacity, size_t *out_count);

/* "https://sts.REGION.aliyuncs.com" by the role or the settings; the caller frees. NULL with a
 * reason. */
char *sts_endpoint(const struct sesame_instance *instance, const struct role *role,
                   struct reason *reason);

/* How long a step may take: `want_ms`, or what is left of the run. */
int64_t run_time_left_ms(const struct run *run, int64_t want_ms);

#endif
