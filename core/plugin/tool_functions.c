/* The list of functions a tool offers, as the host keeps it. */
#include "plugin/tool_functions.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/log.h"
#include "base/text.h"
#include "base/text_clean.h"
#include "config/host_config.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FUNCTION_MAX_COUNT 256
#define LIST_MAX_BYTES ((size_t)512 * 1024)
#define OFFER_MAX_BYTES (1024 * 1024)

/* What we allocated, shown to others as const. */
static void free_text(const char *text)
{
    char *owned;

    memcpy(&owned, &text, sizeof owned);
    free(owned);
}

static void clear_function(struct tool_function *function)
{
    free_text(function->name);
    free_text(function->description);
    free_text(function->offer);
    json_schema_free(function->schema);
    json_object_put(function->parameters);
}

struct tool_functions *tool_functions_ref(struct tool_functions *functions)
{
    functions->references++;
    return functions;
}

void tool_functions_free(struct tool_functions *functions)
{
    if (functions == NULL || --functions->references > 0)
        return;
    for (size_t i = 0; i < functions->count; i++)
        clear_function(&functions->items[i]);
    free(functions->items);
    free(functions);
}

bool tool_function_is_name(const char *name, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    return len >= 1 && len <= 128 && strlen(name) == len && strspn(name, letters) == len;
}

static char *clean_text(const char *text)
{
    char *copy = strdup(text);

    if (copy != NULL)
        copy[text_clean(copy, strlen(copy))] = '\0';
    return copy;
}

/* Written once: every turn sends it with every request to the model. Control characters of the
 * parameters' texts are escaped in JSON and stay. */
static bool write_offer(struct tool_function *function, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer offer;

    buffer_init(&offer, OFFER_MAX_BYTES);
    if (!buffer_add_text(&offer, "\"description\":", err) ||
        !json_add_string(&offer, function->description, strlen(function->description), err) ||
        !buffer_add_text(&offer, ",\"parameters\":", err) ||
        !json_add_value(&offer, function->parameters, err))
        return false;
    buffer_truncate(&offer, text_clean(offer.data, offer.len));
    function->offer = buffer_take(&offer, NULL);
    return function->offer != NULL || error_set(err, ERROR_NO_MEMORY, "no memory for a function");
}

void tool_function_digest(const struct tool_function *function, char out[TOOL_FUNCTION_DIGEST_SIZE])
{
    const char *const parts[] = {"{\"name\":\"", function->name, "\",", function->offer, "}"};
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ok = ok && EVP_DigestUpdate(context, parts[i], strlen(parts[i])) == 1;
    out[0] = '\0';
    if (ok && EVP_DigestFinal_ex(context, digest, NULL) == 1)
        hex_encode(digest, (TOOL_FUNCTION_DIGEST_SIZE - 1) / 2, out);
    EVP_MD_CTX_free(context);
}

/* Who writes a function's texts, a server elsewhere perhaps, writes into the model's prompt: with
 * pins only what the operator has looked at gets there. */
static bool check_pin(const struct tool_function *function, const struct tool_config *tool,
                      struct error *err)
{
    char digest[TOOL_FUNCTION_DIGEST_SIZE];
    size_t i = 0;

    if (tool->pin_count == 0)
        return true;
    tool_function_digest(function, digest);
    while (i < tool->pin_count && strcmp(tool->pins[i].name, function->name) != 0)
        i++;
    if (i < tool->pin_count && digest[0] != '\0' && strcasecmp(tool->pins[i].sha256, digest) == 0)
        return true;
    return error_set(err, ERROR_DENIED, "the function %.60s is %s tools.%.60s.pins (found %s)",
                     function->name, i < tool->pin_count ? "not as it was: see" : "not in",
                     tool->name, digest);
}

static bool read_function(struct json_object *json, struct tool_functions *functions,
                          const struct tool_config *tool, struct error *err)
{
    struct tool_function *function = &functions->items[functions->count];
    size_t len = 0;
    const char *name =
        json_object_is_type(json, json_type_object) ? json_get_string(json, "name", &len) : NULL;
    const char *description = name == NULL ? NULL : json_get_string(json, "description", NULL);
    struct json_object *parameters = name == NULL ? NULL : json_get_object(json, "parameters");

    if (name == NULL || !tool_function_is_name(name, len))
        return error_set(err, ERROR_BAD_INPUT, "a function without a proper name");
    for (size_t i = 0; i < functions->count; i++)
        if (strcmp(functions->items[i].name, name) == 0)
            return error_set(err, ERROR_BAD_INPUT, "the function %.60s comes twice", name);
    function->parameters = parameters != NULL
                               ? json_object_get(parameters)
                               : json_tokener_parse("{\"type\":\"object\",\"properties\":{}}");
    function->name = strdup(name);
    function->description = clean_text(description == NULL ? "" : description);
    if (function->name == NULL || function->description == NULL || function->parameters == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for a function");
    else
        function->schema = json_schema_new(function->parameters, err);
    if (function->schema == NULL || !write_offer(function, err)) {
        error_prefix(err, "the function %.60s", name);
    } else if (check_pin(function, tool, err)) {
        functions->count++;
        return true;
    }
    clear_function(function);
    memset(function, 0, sizeof *function);
    return false;
}

struct tool_functions *tool_functions_parse(const char *data, size_t len, int json_depth,
                                            const struct tool_config *tool, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *json = NULL;
    struct json_object *list = NULL;
    struct tool_functions *functions;

    if (len > LIST_MAX_BYTES) {
        error_set(err, ERROR_LIMIT, "the tool's list is larger than %zu bytes", LIST_MAX_BYTES);
        return NULL;
    }
    json = json_parse(data, len, json_depth, err);
    if (json == NULL)
        return NULL;
    if (json_object_is_type(json, json_type_object))
        list = json_get_array(json, "functions");
    if (list == NULL || json_object_array_length(list) > FUNCTION_MAX_COUNT) {
        error_set(err, ERROR_BAD_INPUT,
                  "the tool's list has no \"functions\", or more than %d of them",
                  FUNCTION_MAX_COUNT);
        return NULL;
    }
    functions = calloc(1, sizeof *functions);
    if (functions != NULL)
        functions->items = calloc(json_object_array_length(list) + 1, sizeof *functions->items);
    if (functions == NULL || functions->items == NULL) {
        free(functions);
        error_set(err, ERROR_NO_MEMORY, "no memory for a list of functions");
        return NULL;
    }
    functions->references = 1;
    /* One bad function does not take the others away. */
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct error why = {0};

        if (!read_function(json_object_array_get_idx(list, i), functions, tool, &why))
            log_warn("plugin", "a function is left out", LOG_TEXT("tool", tool->name),
                     LOG_TEXT("reason", why.message));
    }
    return functions;
}
