/* The HTML that a person sees at sign-in and sign-out; each page says that it is a stand-in. */
#ifndef LOCAL_CLOUD_LOGIN_PAGES_H
#define LOCAL_CLOUD_LOGIN_PAGES_H

#include <stddef.h>

struct params;
struct realm_user;

/* The caller frees the results. All texts are escaped. */

/* The form: a choice of users, and the authorize request's own parameters carried along. `reason`
 * (or NULL) is shown above it. */
char *login_page_form(const struct realm_user *users, size_t user_count,
                      const struct params *authorize, const char *reason);

/* A page with one paragraph. */
char *login_page_message(const char *title, const char *text);

extern const char login_page_style[];

#endif
