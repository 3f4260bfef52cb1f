/* The HTML that a person sees at sign-in and sign-out; each page says that it is a stand-in. */
#include "local-cloud/login_pages.h"

#include "base/buffer.h"
#include "base/error.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/realm.h"
#include "local-cloud/reply.h"
#include "local-cloud/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX_BYTES = 256 * 1024 };

const char login_page_style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;"
    "--back:#f6f8fa;--accent:#0b57d0;--on-accent:#fff;--note:#fff4ce;--note-ink:#4d3800}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#161b22;"
    "--line:#3d444d;--back:#0d1117;--accent:#8ab4f8;--on-accent:#0d1117;--note:#3a2f0b;"
    "--note-ink:#ffe8a3}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;"
    "padding:1rem;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\n"
    "main{width:min(26rem,100%);background:var(--paper);border:1px solid var(--line);"
    "border-radius:.75rem;padding:1.5rem}\n"
    "h1{font-size:1.35rem;margin:0 0 .75rem}\n"
    ".note{background:var(--note);color:var(--note-ink);border-radius:.5rem;padding:.5rem .75rem;"
    "margin:0 0 1rem}\n"
    "fieldset{border:0;margin:0 0 1rem;padding:0}\n"
    "legend{font-weight:600;padding:0;margin:0 0 .5rem}\n"
    ".user{display:flex;gap:.6rem;align-items:center;border:1px solid var(--line);"
    "border-radius:.5rem;padding:.6rem .75rem;margin:0 0 .5rem;cursor:pointer}\n"
    ".user:has(input:focus-visible){outline:3px solid var(--accent);outline-offset:1px}\n"
    ".user small{color:var(--soft)}\n"
    "label.name{display:block;font-weight:600;margin:0 0 .25rem}\n"
    "input[type=text]{width:100%;font:inherit;color:inherit;background:var(--back);"
    "border:1px solid var(--soft);border-radius:.5rem;padding:.5rem .75rem;margin:0 0 1rem}\n"
    "button{width:100%;font:inherit;font-weight:600;padding:.65rem;border:0;border-radius:.5rem;"
    "background:var(--accent);color:var(--on-accent);cursor:pointer}\n"
    "button.second{margin:.6rem 0 0;background:var(--paper);color:var(--ink);"
    "border:1px solid var(--soft)}\n"
    "button:focus-visible,input:focus-visible{outline:3px solid var(--accent);"
    "outline-offset:2px}\n"
    "p.soft{color:var(--soft);font-size:.9rem;margin:1rem 0 0}\n";

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n";
static const char page_body[] =
    "<link rel=\"stylesheet\" href=\"" PATH_LOGIN_STYLE "\">\n</head>\n<body>\n<main>\n";
static const char stand_in_note[] =
    "<p class=\"note\" role=\"note\"><strong>Offline stand-in</strong> for the identity service, "
    "for trying and testing on this machine. No password is needed. "
    "<span lang=\"zh\">离线替身，仅用于本机试用和测试，无需密码。</span></p>\n";
static const char page_end[] = "</main>\n</body>\n</html>\n";

/* A page is far below its limit, so a failure means there is no memory. */
static void add(struct buffer *page, const char *text)
{
    struct error err = {0};

    must_have(buffer_add_text(page, text, &err) ? page : NULL);
}

static void add_escaped(struct buffer *page, const char *text)
{
    struct error err = {0};

    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            add(page, "&amp;");
            break;
        case '<':
            add(page, "&lt;");
            break;
        case '>':
            add(page, "&gt;");
            break;
        case '"':
            add(page, "&quot;");
            break;
        case '\'':
            add(page, "&#39;");
            break;
        default:
            must_have(buffer_add_char(page, *text, &err) ? page : NULL);
        }
    }
}

static void begin(struct buffer *page, const char *title)
{
    buffer_init(page, PAGE_MAX_BYTES);
    add(page, page_head);
    add(page, "<title>");
    add_escaped(page, title);
    add(page, "</title>\n");
    add(page, page_body);
    add(page, "<h1>");
    add_escaped(page, title);
    add(page, "</h1>\n");
    add(page, stand_in_note);
}

static char *finish(struct buffer *page)
{
    add(page, page_end);
    return must_have(buffer_take(page, NULL));
}

static void add_hidden(struct buffer *page, const struct params *authorize, const char *name)
{
    const char *value = params_get(authorize, name);

    if (value == NULL)
        return;
    add(page, "<input type=\"hidden\" name=\"");
    add(page, name);
    add(page, "\" value=\"");
    add_escaped(page, value);
    add(page, "\">\n");
}

static void add_user(struct buffer *page, const struct realm_user *user, bool is_first)
{
    add(page, "<label class=\"user\"><input type=\"radio\" name=\"user\" value=\"");
    add_escaped(page, user->username);
    add(page, is_first ? "\" checked> <span>" : "\"> <span>");
    add_escaped(page, user->name);
    add(page, " <small>");
    add_escaped(page, user->username);
    add(page, "</small></span></label>\n");
}

char *login_page_form(const struct realm_user *users, size_t user_count,
                      const struct params *authorize, const char *reason)
{
    static const char *const carried[] = {"client_id", "response_type", "scope", "redirect_uri",
                                          "state"};
    struct buffer page;

    begin(&page, "Sign in");
    if (reason != NULL) {
        add(&page, "<p role=\"alert\">");
        add_escaped(&page, reason);
        add(&page, "</p>\n");
    }
    add(&page, "<form method=\"post\" action=\"" PATH_AUTHORIZE "\">\n");
    for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++)
        add_hidden(&page, authorize, carried[i]);
    add(&page, "<fieldset>\n<legend>Who are you? <span lang=\"zh\">选择用户</span></legend>\n");
    for (size_t i = 0; i < user_count; i++)
        add_user(&page, &users[i], i == 0);
    add(&page,
        "</fieldset>\n"
        "<label class=\"name\" for=\"name\">Or another name "
        "<span lang=\"zh\">或输入姓名</span></label>\n"
        "<input type=\"text\" id=\"name\" name=\"name\" maxlength=\"60\" "
        "autocomplete=\"off\">\n"
        "<button type=\"submit\">Sign in <span lang=\"zh\">登录</span></button>\n"
        "</form>\n");
    return finish(&page);
}

char *login_page_message(const char *title, const char *text)
{
    struct buffer page;

    begin(&page, title);
    add(&page, "<p>");
    add_escaped(&page, text);
    add(&page, "</p>\n");
    return finish(&page);
}

char *login_page_consent(const char *service, const char *scope, const char *session,
                         const char *reason)
{
    struct buffer page;

    begin(&page, "Allow access?");
    if (reason != NULL) {
        add(&page, "<p role=\"alert\">");
        add_escaped(&page, reason);
        add(&page, "</p>\n");
    }
    add(&page, "<p>The agent asks to use <strong>");
    add_escaped(&page, service);
    add(&page,
        "</strong> in your name. <span lang=\"zh\">智能体请求以您的身份访问该服务。</span></p>\n");
    if (scope[0] != '\0') {
        add(&page, "<p>It asks for: <code>");
        add_escaped(&page, scope);
        add(&page, "</code></p>\n");
    }
    add(&page, "<form method=\"post\" action=\"" PATH_CONSENT
               "\">\n"
               "<input type=\"hidden\" name=\"session\" value=\"");
    add_escaped(&page, session);
    add(&page,
        "\">\n"
        "<button type=\"submit\" name=\"decision\" value=\"allow\">Allow "
        "<span lang=\"zh\">允许</span></button>\n"
        "<button type=\"submit\" class=\"second\" name=\"decision\" value=\"deny\">Refuse "
        "<span lang=\"zh\">拒绝</span></button>\n"
        "</form>\n");
    return finish(&page);
}

/* "scheme://host:port" of an address from the allow-list; `out` may be cut, then it allows nothing.
 */
static void origin_of(const char *uri, char *out, size_t out_size)
{
    const char *host = strstr(uri, "://");
    size_t len = host == NULL ? 0 : (size_t)(host + 3 - uri) + strcspn(host + 3, "/?#");

    snprintf(out, out_size, "%.*s", (int)len, uri);
}

void login_page_reply(struct reply *reply, int status, char *html, const char *redirect_uri)
{
    char origin[256] = "";

    if (redirect_uri != NULL)
        origin_of(redirect_uri, origin, sizeof origin);
    /* Browsers hold the redirect that follows a form against form-action too, so the page's own
     * origin has to be on it. */
    reply_header(reply, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; form-action 'self' %s; base-uri 'none'; "
                 "frame-ancestors 'none'",
                 origin);
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Referrer-Policy", "same-origin");
    reply_header(reply, "X-Content-Type-Options", "nosniff");
    reply_text(reply, status, "text/html; charset=utf-8", html);
    free(html);
}
