/* Cross-origin rules (WHATWG Fetch): which pages may talk to us from a browser. */
#ifndef SESAME_SERVER_CORS_H
#define SESAME_SERVER_CORS_H

#include <stdbool.h>

struct http_exchange;
struct web_config;

/* Adds Access-Control-Allow-Origin and what goes with it when the request comes from an allowed
 * page; errors need it too, or the page sees only a network error. */
void cors_add_headers(struct http_exchange *exchange, const struct web_config *config);

/* Answers an OPTIONS request. True: it was one, and is over. */
bool cors_answer_preflight(struct http_exchange *exchange, const struct web_config *config);

#endif
