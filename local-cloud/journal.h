/* What was asked of the stand-in: counters and a bounded log that tests read on the control port.
 *
 * The log keeps requests as they came, credentials included, because its purpose is to prove where
 * a secret went. Everything in it belongs to the stand-in itself and lives for one run. */
#ifndef LOCAL_CLOUD_JOURNAL_H
#define LOCAL_CLOUD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct journal;
struct json_object;
struct request;

struct journal *journal_new(void);
void journal_free(struct journal *journal);
void journal_reset(struct journal *journal);

/* Records a request and returns its number, from 1 on. */
int64_t journal_begin(struct journal *journal, const char *route, const struct request *request);

/* Records how it ended: `status` sent (0: none), and whether the client went before the end. */
void journal_end(struct journal *journal, int64_t number, int status, bool is_client_gone,
                 int64_t now_ms);

/* {"counts":{ROUTE:n},"client_gone":{ROUTE:n},"dropped":n}. The caller owns all results. */
struct json_object *journal_counts(const struct journal *journal);

/* The kept requests of `route` (NULL: of all) with a number above `after`: number, route, method,
 * path, header names, body length, times, status, "client_gone". No values. */
struct json_object *journal_list(const struct journal *journal, const char *route, int64_t after);

/* One request with its body and headers, or NULL. */
struct json_object *journal_show(const struct journal *journal, int64_t number);

/* Where `text` occurs: [{"number","route","where":["header authorization","body",...]}]. Also finds
 * it in Base64 form and percent-encoded. */
struct json_object *journal_find(const struct journal *journal, struct slice text);

#endif
