/* Alibaba Cloud's default credential chain: where an access key comes from, kept and renewed. */
#ifndef ALIBABA_CHAIN_H
#define ALIBABA_CHAIN_H

#include <sesame/services.h>
#include <stdbool.h>

struct sesame_instance;

#define ROLE_MAX_COUNT 5
#define REASON_BYTES 200
#define SOURCE_BYTES 96

/* An access key. The parts that are secret are handles. All zero bytes is none. */
struct credentials {
    char *access_key_id;
    uint64_t access_key_secret;
    uint64_t security_token; /* 0: a long-lived key */
    int64_t expires_at_s;    /* 0: not known */
};

void credentials_clear(const struct sesame_instance *instance, struct credentials *credentials);

/* Why something is not there, for people; "" at first. */
struct reason {
    char text[REASON_BYTES];
};
/* Always returns false, so that callers can write `return reason_set(...)`. */
bool reason_set(struct reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A role to assume. Texts are "" when not said. */
struct role {
    char *arn;
    char *session_name;
    char *policy;
    char *external_id;
    char *sts_region;
    bool wants_vpc_endpoint;
    int64_t duration_s;
};
/* Copies; 0 `duration_s` is 3600. False without memory, or with a reason. */
bool role_set(struct role *role, const char *arn, const char *session_name, const char *policy,
              const char *external_id, const char *sts_region, bool wants_vpc_endpoint,
              int64_t duration_s, struct reason *reason);
void role_clear(struct role *role);

/* What a source comes to: where the first key is taken from, and the roles assumed with it. */
enum plan_base { PLAN_FIXED, PLAN_OIDC, PLAN_METADATA, PLAN_URI, PLAN_EXTERNAL };
struct plan {
    enum plan_base base;
    struct credentials fixed; /* PLAN_FIXED */
    char *provider_arn;       /* PLAN_OIDC */
    char *token_file;
    struct role oidc_role;
    char *machine_role; /* PLAN_METADATA; "": asked for */
    char *uri;          /* PLAN_URI */
    char *command;      /* PLAN_EXTERNAL; changed when it is run */
    struct role roles[ROLE_MAX_COUNT];
    size_t role_count;
    char source[SOURCE_BYTES]; /* "cli_profile/ram_role_arn/static_ak" */
};
void plan_clear(const struct sesame_instance *instance, struct plan *plan);
struct role *plan_add_role(struct plan *plan, struct reason *reason);
void plan_name(struct plan *plan, const char *part);

/* ---- what the configuration says (settings.c) ------------------------------------------------ */

struct settings {
    char *role_arn, *provider_arn, *token_file, *session_name, *oidc_policy;
    int64_t oidc_duration_s;
    char *sts_region, *sts_endpoint, *metadata_endpoint;
    char *profile, *machine_role, *uri, *external_program;
    bool wants_vpc_endpoint, is_cli_disabled, is_metadata_disabled, is_metadata_v1_disabled;
    bool has_own_ini_file;
    uint64_t env_id, env_secret, env_token; /* secret handles, 0: not set; die with the instance */
    struct role roles[ROLE_MAX_COUNT];      /* assumed on top of whatever source */
    size_t role_count;
};
bool settings_read(struct sesame_instance *instance, struct sesame_text config,
                   struct reason *reason);
void settings_clear(struct settings *settings);

/* ---- sources: each reads what is at hand, makes no request, and fills `plan` or says why not --
 */

bool source_platform(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_environment(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_oidc(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_cli_profile(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_ini_profile(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_metadata(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
bool source_uri(struct sesame_instance *instance, struct plan *plan, struct reason *reason);

/* ---- carrying out a plan: one at a time, each ends with run_end -------------------------------
 */

struct run; /* run.h */

/* ---- the chain ------------------------------------------------------------------------------- */

/* One who waits for an access key; part of its owner. */
struct chain_wait {
    struct chain_wait *next;
    /* With a key (borrowed for the call) or, NULL, the reason why there is none. */
    void (*on_ready)(struct chain_wait *wait, const struct credentials *credentials,
                     const char *reason);
    bool is_waiting;
};

struct chain {
    struct chain_wait *waits;
    struct credentials current;
    int64_t fetched_at_s;
    bool is_machine_key; /* renewed earlier, as the vendor's clients do */
    bool must_renew;     /* the key was refused as expired */
    size_t winner;       /* the source that worked once and is asked from then on; 0: none yet */
    int64_t failed_at_s; /* of the last attempt, when it failed; 0: it did not */
    char failure[400];   /* what it came to, source by source */
    char source[SOURCE_BYTES];
    struct run *run; /* under way, or NULL */
    size_t asking;   /* the source it is for */
    int64_t deadline_ms;
};

/* Gives an access key: the present one while it is good for a while, else a fresh one. `wait` is
 * answered exactly once, perhaps before this returns. */
void chain_get(struct sesame_instance *instance, struct chain_wait *wait);
/* It is not answered any more. */
void chain_forget(struct sesame_instance *instance, struct chain_wait *wait);
/* The service said that the present key has expired. */
void chain_expired(struct sesame_instance *instance);
void chain_clear(struct sesame_instance *instance);

#endif
