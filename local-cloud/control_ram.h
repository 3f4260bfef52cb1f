/* Orders of the control port about the cloud account. */
#ifndef LOCAL_CLOUD_CONTROL_RAM_H
#define LOCAL_CLOUD_CONTROL_RAM_H

struct cloud;
struct json_object;
struct reply;

void control_post_ram_role(struct cloud *cloud, struct json_object *body, struct reply *reply);
void control_post_ram_key(struct cloud *cloud, struct json_object *body, struct reply *reply);
void control_post_ram_session(struct cloud *cloud, struct json_object *body, struct reply *reply);

#endif
