/* POST .../chat/completions: gate, request, turn, answer. */
#ifndef SESAME_SERVER_CHAT_ENDPOINT_H
#define SESAME_SERVER_CHAT_ENDPOINT_H

struct http_exchange;
struct server_worker;

/* Answers the exchange, now or later. */
void chat_endpoint_begin(struct server_worker *worker, struct http_exchange *exchange,
                         const char *request_id);

/* GET .../models and .../models/{id}, behind the same gate. `model` NULL: the list. */
void models_endpoint_begin(struct server_worker *worker, struct http_exchange *exchange,
                           const char *request_id);

void chat_endpoint_cancel_all(struct server_worker *worker);

#endif
