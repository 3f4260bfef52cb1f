/* Sign-in by the implicit flow (RFC 6749 section 4.2, idaas.md section 8.2) and sign-out. */
#ifndef LOCAL_CLOUD_LOGIN_H
#define LOCAL_CLOUD_LOGIN_H

struct cloud;
struct reply;
struct request;

/* GET shows the sign-in page; POST of its form sends the browser back with a token or an error in
 * the fragment. A client or redirect address that is not known is refused on a page, never by a
 * redirect (RFC 6749 section 4.2.2.1). */
void login_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

/* Sends the browser back to an allowed post_logout_redirect_uri, else shows a page. */
void logout_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

/* The pages' style sheet. */
void login_style_handle(struct reply *reply);

#endif
