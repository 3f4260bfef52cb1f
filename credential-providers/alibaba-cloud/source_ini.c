/* The SDKs' profile file, ~/.alibabacloud/credentials.ini or credentials. It holds keys, so it is
 * read into locked memory and only cut up there. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

struct section {
    struct sesame_instance *instance;
    struct sesame_text body; /* the lines of the section, in the secret */
    struct reason *reason;
    struct plan *plan;
};

static struct sesame_text trim(struct sesame_text text)
{
    while (text.len > 0 && strchr(" \t\r", text.data[0]) != NULL)
        text = (struct sesame_text){text.data + 1, text.len - 1};
    while (text.len > 0 && strchr(" \t\r", text.data[text.len - 1]) != NULL)
        text.len--;
    return text;
}

/* Cuts the next line off `rest`, trimmed; false at the end. */
static bool next_line(struct sesame_text *rest, struct sesame_text *out)
{
    const char *end;
    size_t len;

    if (rest->len == 0)
        return false;
    end = memchr(rest->data, '\n', rest->len);
    len = end == NULL ? rest->len : (size_t)(end - rest->data);
    *out = trim((struct sesame_text){rest->data, len});
    len += end == NULL ? 0 : 1;
    *rest = (struct sesame_text){rest->data + len, rest->len - len};
    return true;
}

static bool is_section_head(struct sesame_text line, struct sesame_text *out_name)
{
    if (line.len < 2 || line.data[0] != '[' || line.data[line.len - 1] != ']')
        return false;
    *out_name = trim((struct sesame_text){line.data + 1, line.len - 2});
    return true;
}

/* The lines between the section's head and the next; false when there is no such section. */
static bool find_section(struct sesame_text file, const char *name, struct sesame_text *out_body)
{
    struct sesame_text rest = file, line, found;
    bool is_inside = false;

    while (next_line(&rest, &line)) {
        if (!is_section_head(line, &found))
            continue;
        if (is_inside) {
            out_body->len = (size_t)(line.data - out_body->data);
            return true;
        }
        is_inside = kit_equal(found, name);
        if (is_inside)
            *out_body = rest;
    }
    return is_inside;
}

/* The value of `key`, empty when there is none. */
static struct sesame_text value_of(const struct section *section, const char *key)
{
    struct sesame_text rest = section->body, line;

    while (next_line(&rest, &line)) {
        const char *equals = line.len == 0 || line.data[0] == '#' || line.data[0] == ';'
                                 ? NULL
                                 : memchr(line.data, '=', line.len);
        size_t name_len = equals == NULL ? 0 : (size_t)(equals - line.data);

        if (equals != NULL && kit_equal(trim((struct sesame_text){line.data, name_len}), key))
            return trim((struct sesame_text){equals + 1, line.len - name_len - 1});
    }
    return (struct sesame_text){"", 0};
}

static uint64_t secret_of(const struct section *section, const char *key)
{
    struct sesame_text value = value_of(section, key);
    uint64_t secret = 0;

    if (value.len == 0 ||
        section->instance->secret->create(section->instance->kit.host, value, &secret) != SESAME_OK)
        return 0;
    return secret;
}

/* ---- types ----------------------------------------------------------------------------------- */

static bool read_key(struct section *section)
{
    const struct sesame_instance *instance = section->instance;
    uint64_t id = secret_of(section, "access_key_id");
    uint64_t secret = secret_of(section, "access_key_secret");

    plan_name(section->plan, "static_ak");
    if (id != 0 && secret != 0)
        return credentials_make(section->instance, id, secret, 0, &section->plan->fixed,
                                section->reason);
    instance->secret->free(instance->kit.host, id);
    instance->secret->free(instance->kit.host, secret);
    return reason_set(section->reason, "the section has no %s",
                      id == 0 ? "access_key_id" : "access_key_secret");
}

static bool read_role(struct section *section, struct role *role)
{
    char *arn = kit_copy(value_of(section, "role_arn"));
    char *session = kit_copy(value_of(section, "role_session_name"));
    char *policy = kit_copy(value_of(section, "policy"));
    bool ok = role_set(role, arn, session, policy, "", section->instance->settings.sts_region,
                       section->instance->settings.wants_vpc_endpoint, 0, section->reason);

    free(arn);
    free(session);
    free(policy);
    return ok;
}

static bool read_role_on_top(struct section *section)
{
    struct role *role = plan_add_role(section->plan, section->reason);

    return role != NULL && read_role(section, role);
}

static bool read_machine(struct section *section)
{
    plan_name(section->plan, "ecs_ram_role");
    section->plan->base = PLAN_METADATA;
    section->plan->machine_role = kit_copy(value_of(section, "role_name"));
    return section->plan->machine_role != NULL ||
           reason_set(section->reason, "no memory for a plan");
}

static bool read_oidc(struct section *section)
{
    struct plan *plan = section->plan;

    plan_name(plan, "oidc_role_arn");
    plan->base = PLAN_OIDC;
    plan->provider_arn = kit_copy(value_of(section, "oidc_provider_arn"));
    plan->token_file = kit_copy(value_of(section, "oidc_token_file_path"));
    if (plan->provider_arn == NULL || plan->provider_arn[0] == '\0' || plan->token_file == NULL ||
        plan->token_file[0] == '\0')
        return reason_set(section->reason,
                          "the section lacks oidc_provider_arn or oidc_token_file_path");
    return read_role(section, &plan->oidc_role);
}

static bool read_type(struct section *section, const char *name)
{
    struct sesame_text type = value_of(section, "type");

    if (kit_equal(type, "access_key"))
        return read_key(section);
    if (kit_equal(type, "ecs_ram_role"))
        return read_machine(section);
    if (kit_equal(type, "ram_role_arn")) {
        plan_name(section->plan, "ram_role_arn");
        return read_key(section) && read_role_on_top(section);
    }
    if (kit_equal(type, "oidc_role_arn"))
        return read_oidc(section);
    if (type.len == 0)
        return reason_set(section->reason, "Can not find credential type for \"%.60s\"", name);
    /* The text is from a file with keys in it, so it is not quoted. */
    return reason_set(section->reason,
                      "Invalid type option, support: access_key, ecs_ram_role, ram_role_arn, "
                      "oidc_role_arn");
}

/* ---- the file -------------------------------------------------------------------------------- */

/* The configured file, else the name of the Java and Python SDKs, else that of the others. */
static uint64_t open_file(struct sesame_instance *instance, struct reason *reason)
{
    static const char *const own[] = {"/credentialsFile", NULL};
    static const char *const usual[] = {"/iniProfileFile", "/iniProfileFileOtherName", NULL};
    uint64_t file = 0;
    int32_t status = SESAME_NOT_FOUND;

    for (const char *const *pointer = instance->settings.has_own_ini_file ? own : usual;
         *pointer != NULL && status == SESAME_NOT_FOUND; pointer++)
        status = instance->secret->from_config(instance->kit.host, kit_text(*pointer), &file);
    if (status == SESAME_OK)
        return file;
    (void)reason_set(reason, status == SESAME_NOT_FOUND ? "there is no credentials file"
                                                        : "the credentials file cannot be read");
    return 0;
}

bool source_ini_profile(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    const char *name =
        instance->settings.profile[0] == '\0' ? "default" : instance->settings.profile;
    struct section section = {.instance = instance, .plan = plan, .reason = reason};
    uint64_t file = open_file(instance, reason);
    struct sesame_text text;
    bool ok;

    if (file == 0 || instance->secret->borrow(instance->kit.host, file, &text) != SESAME_OK)
        return false;
    plan_name(plan, "profile");
    ok = find_section(text, name, &section.body)
             ? read_type(&section, name)
             : reason_set(reason, "Can not find credential type for \"%.60s\"", name);
    instance->secret->free(instance->kit.host, file);
    return ok;
}
