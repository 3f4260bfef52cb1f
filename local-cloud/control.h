/* The control port: switches, ordered faults, rotation, counters and the request log, for tests. */
#ifndef LOCAL_CLOUD_CONTROL_H
#define LOCAL_CLOUD_CONTROL_H

struct cloud;
struct reply;
struct request;

/* GET / describes the routes. Requests from web pages (an Origin header, or a Host that is not this
 * machine) are refused, since any page could send them. */
void control_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
