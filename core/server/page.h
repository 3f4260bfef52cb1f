/* The chat page: static files held in memory, with the headers that keep a page with a token safe.
 */
#ifndef SESAME_SERVER_PAGE_H
#define SESAME_SERVER_PAGE_H

#include <stdbool.h>

#include "base/text.h"

struct error;
struct http_exchange;
struct page;
struct web_config;

/* Reads every file of the folder (not below it), and makes config.js from the configuration.
 * `agent_origin` is where the agent answers, as "http://127.0.0.1:9002", or "" for the page's own
 * origin. Immutable afterwards, shared between threads. */
struct page *page_load(const char *directory, const struct web_config *config,
                       const char *agent_origin, struct error *err);
void page_free(struct page *page);

/* Answers GET and HEAD for a file it has; "/" is index.html. False: there is no such file. */
bool page_answer(const struct page *page, struct http_exchange *exchange, struct slice path);

#endif
