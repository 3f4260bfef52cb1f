/* The OpenAI-compatible model service, as Model Studio's compatible mode speaks it. */
#ifndef LOCAL_CLOUD_MODEL_H
#define LOCAL_CLOUD_MODEL_H

struct cloud;
struct reply;
struct request;

void model_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
