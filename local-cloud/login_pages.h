/* The HTML that a person sees at sign-in and sign-out; each page says that it is a stand-in. */
#ifndef LOCAL_CLOUD_LOGIN_PAGES_H
#define LOCAL_CLOUD_LOGIN_PAGES_H

#include <stddef.h>

struct params;
struct reply;
struct realm_user;

/* The caller frees the results. All texts are escaped. */

/* The form: a choice of users, and the authorize request's own parameters carried along. `reason`
 * (or NULL) is shown above it. */
char *login_page_form(const struct realm_user *users, size_t user_count,
                      const struct params *authorize, const char *reason);

/* A page with one paragraph. */
char *login_page_message(const char *title, const char *text);

/* Asks whether the agent may use `service`; `reason` (or NULL) is shown above. */
char *login_page_consent(const char *service, const char *scope, const char *session,
                         const char *reason);

/* Answers with a page, which is taken, and the headers that pages here have. A form on it may lead
 * to `redirect_uri` (NULL: to this site only). */
void login_page_reply(struct reply *reply, int status, char *html, const char *redirect_uri);

extern const char login_page_style[];

#endif
