/* Orders of the control port about how clients prove who they are. */
#ifndef LOCAL_CLOUD_CONTROL_IDENTITY_H
#define LOCAL_CLOUD_CONTROL_IDENTITY_H

struct cloud;
struct json_object;
struct reply;

/* Each has the form of control.c's table: it reads `body`, an object, and answers. */
void control_post_client(struct cloud *cloud, struct json_object *body, struct reply *reply);
void control_post_client_keys(struct cloud *cloud, struct json_object *body, struct reply *reply);
void control_post_federation(struct cloud *cloud, struct json_object *body, struct reply *reply);
void control_post_cluster_token(struct cloud *cloud, struct json_object *body, struct reply *reply);

/* {"error":message} with 400, and {"ok":true}. */
void control_refuse(struct reply *reply, const char *message);
void control_done(struct reply *reply);

#endif
