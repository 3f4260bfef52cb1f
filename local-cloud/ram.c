/* The cloud account: a user with an access key, roles, and temporary credentials of role sessions.
 */
#include "local-cloud/ram.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "local-cloud/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ROLE_COUNT = 3, SESSION_MAX_COUNT = 4096, ROLE_SESSION_MAX_S = 3600 };

struct ram {
    char *secret_prefix;
    struct ram_role roles[ROLE_COUNT];
    struct ram_key user;
    struct ram_key *sessions[SESSION_MAX_COUNT]; /* oldest first */
    size_t session_count;
};

/* ---- making ----------------------------------------------------------------------------------*/

static void make_id(const char *prefix, size_t digit_count, char **out)
{
    char digits[65];

    random_hex(digits, digit_count);
    for (char *c = digits; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    *out = must_format("%s%s", prefix, digits);
}

static char *make_secret(const struct ram *ram, const char *label)
{
    char digits[41];

    random_hex(digits, sizeof digits - 1);
    if (ram->secret_prefix == NULL)
        return must_format("%.30s", digits);
    return must_format("%s%s-%.16s", ram->secret_prefix, label, digits);
}

/* Real tokens are some hundred bytes of Base64. */
static char *make_token(const struct ram *ram)
{
    char digits[257];

    random_hex(digits, sizeof digits - 1);
    return must_format("%s%s%s==", ram->secret_prefix == NULL ? "CAIS" : ram->secret_prefix,
                       ram->secret_prefix == NULL ? "" : "security-token-", digits);
}

struct ram *ram_new(const char *secret_prefix)
{
    static const struct ram_role roles[ROLE_COUNT] = {
        {.may_get_token = true,
         .trusts_account = true,
         .trusts_cluster = true,
         .may_be_on_machine = true},
        {.trusts_account = true, .trusts_cluster = true, .may_be_on_machine = true},
        {.may_get_token = true},
    };
    static const char *const names[ROLE_COUNT] = {RAM_ROLE_AGENT, RAM_ROLE_NO_PERMISSION,
                                                  RAM_ROLE_CLOSED};
    struct ram *ram = must_allocate(sizeof *ram);

    ram->secret_prefix = secret_prefix == NULL ? NULL : must_copy(secret_prefix);
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        ram->roles[i] = roles[i];
        ram->roles[i].name = must_copy(names[i]);
        ram->roles[i].session_max_s = ROLE_SESSION_MAX_S;
    }
    make_id("LTAI5t", 18, &ram->user.id);
    ram->user.secret = make_secret(ram, "access-key");
    ram->user.is_active = true;
    return ram;
}

static void key_clear(struct ram_key *key)
{
    if (key->secret != NULL)
        explicit_bzero(key->secret, strlen(key->secret));
    if (key->token != NULL)
        explicit_bzero(key->token, strlen(key->token));
    free(key->id);
    free(key->secret);
    free(key->token);
    free(key->session_name);
}

static void forget_session(struct ram *ram, size_t index)
{
    key_clear(ram->sessions[index]);
    free(ram->sessions[index]);
    ram->session_count--;
    memmove(&ram->sessions[index], &ram->sessions[index + 1],
            (ram->session_count - index) * sizeof ram->sessions[0]);
}

void ram_free(struct ram *ram)
{
    if (ram == NULL)
        return;
    while (ram->session_count > 0)
        forget_session(ram, ram->session_count - 1);
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        free(ram->roles[i].name);
        free(ram->roles[i].external_id);
    }
    key_clear(&ram->user);
    free(ram->secret_prefix);
    free(ram);
}

/* ---- finding ---------------------------------------------------------------------------------*/

struct ram_key *ram_user_key(struct ram *ram)
{
    return &ram->user;
}

const struct ram_key *ram_find_key(const struct ram *ram, const char *id)
{
    if (strcmp(ram->user.id, id) == 0)
        return &ram->user;
    for (size_t i = 0; i < ram->session_count; i++)
        if (strcmp(ram->sessions[i]->id, id) == 0)
            return ram->sessions[i];
    return NULL;
}

struct ram_role *ram_find_role(struct ram *ram, const char *name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (strcmp(ram->roles[i].name, name) == 0)
            return &ram->roles[i];
    return NULL;
}

struct ram_role *ram_find_role_by_arn(struct ram *ram, const char *arn)
{
    static const char prefix[] = "acs:ram::" RAM_ACCOUNT ":role/";

    return strncmp(arn, prefix, sizeof prefix - 1) == 0
               ? ram_find_role(ram, arn + sizeof prefix - 1)
               : NULL;
}

const struct ram_key *ram_session_new(struct ram *ram, const struct ram_role *role,
                                      const char *session_name, int64_t lifetime_s, int64_t now_s)
{
    struct ram_key *session = must_allocate(sizeof *session);

    /* An expired session is kept for a while, so that its key is "expired" and not "unknown". */
    for (size_t i = ram->session_count; i > 0; i--)
        if (ram->sessions[i - 1]->expires_at_s + 86400 < now_s)
            forget_session(ram, i - 1);
    if (ram->session_count == SESSION_MAX_COUNT)
        forget_session(ram, 0);
    make_id("STS.N", 20, &session->id);
    session->secret = make_secret(ram, "sts-secret");
    session->token = make_token(ram);
    session->role = role;
    session->session_name = must_copy(session_name);
    session->expires_at_s = now_s + lifetime_s;
    session->is_active = true;
    ram->sessions[ram->session_count++] = session;
    return session;
}

char *ram_principal_arn(const struct ram_key *key)
{
    if (key->role == NULL)
        return must_copy("acs:ram::" RAM_ACCOUNT ":user/" RAM_USER);
    return must_format("acs:ram::" RAM_ACCOUNT ":assumed-role/%s/%s", key->role->name,
                       key->session_name);
}
