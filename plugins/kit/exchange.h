/* The HTTP request that one call of a tool comes down to, and its whole answer. */
#ifndef SESAME_PLUGINS_KIT_EXCHANGE_H
#define SESAME_PLUGINS_KIT_EXCHANGE_H

#include "plugins/kit/kit.h"

#include <sesame/tool.h>

struct kit_exchange {
    struct kit_exchange *next;
    struct kit_exchanges *owner;
    uint64_t call, http;
    int32_t http_status;
    char type[80]; /* the answer's Content-Type, cut off where it is longer; "" for none */
    struct kit_buffer answer;
};

/* Those of one instance that are open. */
struct kit_exchanges {
    const struct kit *kit;
    const struct sesame_http_v1 *http;
    const struct sesame_tool_host_v1 *tool;
    struct kit_exchange *open;
    /* The service has answered, whatever its HTTP status; completes the call. What ends otherwise
     * has been completed already with the host's reason. */
    void (*on_answer)(struct sesame_instance *instance, const struct kit_exchange *exchange);
};

/* Asks the host for what is needed, after kit_open; false when a service is missing. */
bool kit_exchanges_open(struct kit_exchanges *exchanges, const struct kit *kit,
                        void (*on_answer)(struct sesame_instance *instance,
                                          const struct kit_exchange *exchange));

/* Whether the request is for the function `name`, the tool's only one. False: the call has been
 * completed with that. */
bool kit_exchange_is_for(const struct kit_exchanges *exchanges, uint64_t call,
                         const struct sesame_tool_request *request, const char *name);

/* Starts `request` for its `call`; its deadline is `timeout_ms` from now or the call's, whichever
 * comes first. When it cannot be started nothing follows: the caller completes the call. */
int32_t kit_exchange_start(struct kit_exchanges *exchanges, struct sesame_http_request *request,
                           int64_t timeout_ms, int64_t deadline_ms);
void kit_exchange_cancel(struct kit_exchanges *exchanges, uint64_t call);
/* For `destroy`. */
void kit_exchanges_clear(struct kit_exchanges *exchanges);

/* Completes `call` with a text for the model. */
void kit_complete_text(const struct kit *kit, const struct sesame_tool_host_v1 *tool, uint64_t call,
                       struct sesame_text text, bool is_error);

#endif
