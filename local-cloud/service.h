/* The listening ports: sockets in front of cloud_handle and the control port. */
#ifndef LOCAL_CLOUD_SERVICE_H
#define LOCAL_CLOUD_SERVICE_H

#include <stdbool.h>

#include "local-cloud/route.h"

struct cloud;
struct error;
struct loop;
struct service;
struct ssl_ctx_st;

/* Listens on 127.0.0.1:`port` (0: the kernel chooses). Borrows everything; `tls` NULL means plain
 * http. NULL on failure. */
struct service *service_new(struct loop *loop, struct cloud *cloud, enum service_kind kind,
                            int port, struct ssl_ctx_st *tls, struct error *err);
int service_port(const struct service *service);
void service_free(struct service *service);

#endif
