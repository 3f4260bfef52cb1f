/* The page on which a user lets the agent use a third party's service (3-legged OAuth). */
#ifndef LOCAL_CLOUD_CONSENT_H
#define LOCAL_CLOUD_CONSENT_H

struct cloud;
struct consent_session;
struct reply;
struct request;

/* Where a browser is sent, over http, because browsers do not know the stand-in's authority. The
 * caller frees it. */
char *consent_url(const struct cloud *cloud, const struct consent_session *session);

/* GET shows the page, POST decides with decision=allow or decision=deny. */
void consent_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
