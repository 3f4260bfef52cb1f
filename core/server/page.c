/* The chat page: static files held in memory, with the headers that keep a page with a token safe.
 */
#include "server/page.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "config/host_config.h"
#include "config/source.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_COUNT 64

struct page_file {
    char *name;
    const char *type;
    char *bytes;
    size_t len;
};

struct page {
    struct page_file files[FILE_MAX_COUNT];
    size_t count;
    char policy[1400]; /* Content-Security-Policy */
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"}};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return NULL;
}

static bool add_file(struct page *page, const char *name, char *bytes, size_t len)
{
    struct page_file *file = &page->files[page->count];

    file->name = strdup(name);
    file->type = type_of(name);
    file->bytes = bytes;
    file->len = len;
    if (file->name != NULL) {
        page->count++;
        return true;
    }
    free(bytes);
    return false;
}

static bool read_files(struct page *page, const char *directory, struct error *err)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    bool ok = true;

    if (folder == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "the page's folder %s cannot be read: %s; set web.directory, or "
                         "web.enabled to false",
                         directory, strerror(errno));
    while (ok && (entry = readdir(folder)) != NULL && page->count < FILE_MAX_COUNT - 1) {
        CLEANUP(cleanup_free) char *path = NULL;
        char *bytes;
        size_t len;

        if (entry->d_name[0] == '.' || type_of(entry->d_name) == NULL ||
            strcmp(entry->d_name, "config.js") == 0)
            continue;
        if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0)
            break;
        bytes = config_read_file(path, &len, err);
        ok = bytes != NULL && add_file(page, entry->d_name, bytes, len);
    }
    closedir(folder);
    return ok;
}

static bool add_member(struct buffer *out, const char *name, const char *value, struct error *err)
{
    return buffer_printf(out, err, "  %s: ", name) &&
           json_add_string(out, value, strlen(value), err) && buffer_add_text(out, ",\n", err);
}

/* The guide's names, and the one that the sample page reads. */
static bool make_config(struct page *page, const struct web_config *config, const char *api_url,
                        struct error *err)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, 16 * 1024);
    ok = buffer_add_text(&out, "window.APP_CONFIG = {\n", err) &&
         add_member(&out, "API_URL", api_url, err) &&
         add_member(&out, "AGENTSCOPE_API_URL", api_url, err) &&
         add_member(&out, "CLIENT_ID", config->client_id, err) &&
         add_member(&out, "IDAAS_AUTHORIZE_ENDPOINT", config->authorize_url, err) &&
         add_member(&out, "IDAAS_LOGOUT_ENDPOINT", config->logout_url, err) &&
         add_member(&out, "SCOPE", config->scope, err) && buffer_add_text(&out, "};\n", err);
    if (ok) {
        size_t len;
        char *bytes = buffer_take(&out, &len);

        ok = bytes != NULL && add_file(page, "config.js", bytes, len);
    }
    buffer_clear(&out);
    return ok || error_set(err, ERROR_NO_MEMORY, "no memory for the page");
}

struct page *page_load(const char *directory, const struct web_config *config,
                       const char *agent_origin, struct error *err)
{
    struct page *page = calloc(1, sizeof *page);
    char api_url[500];

    if (page == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the page");
        return NULL;
    }
    /* An origin is at most 300 bytes. */
    (void)snprintf(api_url, sizeof api_url, "%.400s/openai/v1/chat/completions", agent_origin);
    (void)snprintf(
        page->policy, sizeof page->policy,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'%s%.400s; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        agent_origin[0] == '\0' ? "" : " ", agent_origin);
    if (read_files(page, directory, err) && make_config(page, config, api_url, err))
        return page;
    page_free(page);
    return NULL;
}

void page_free(struct page *page)
{
    if (page == NULL)
        return;
    for (size_t i = 0; i < page->count; i++) {
        free(page->files[i].name);
        free(page->files[i].bytes);
    }
    free(page);
}

bool page_answer(const struct page *page, struct http_exchange *exchange, struct slice path)
{
    struct slice name = {path.data + 1, path.len - 1};

    if (name.len == 0)
        name = slice_of("index.html");
    for (size_t i = 0; i < page->count; i++) {
        const struct page_file *file = &page->files[i];

        if (!slice_equal_text(name, file->name))
            continue;
        http_exchange_add_header(exchange, "Content-Security-Policy", page->policy);
        http_exchange_add_header(exchange, "X-Content-Type-Options", "nosniff");
        http_exchange_add_header(exchange, "Referrer-Policy", "no-referrer");
        http_exchange_add_header(exchange, "Cache-Control", "no-cache");
        http_exchange_reply(exchange, 200, file->type, file->bytes, file->len);
        return true;
    }
    return false;
}
