/* Faults that tests order for the next requests: slow, failing, cut off or silent. */
#ifndef LOCAL_CLOUD_FAULTS_H
#define LOCAL_CLOUD_FAULTS_H

#include <stdbool.h>

struct error;
struct faults;
struct json_object;
struct reply;

struct faults *faults_new(void);
void faults_free(struct faults *faults);
void faults_reset(struct faults *faults);

/* Adds one order: {"at":ROUTE,"times":1,"after":0,"status":503,"delay_ms":0,"body":TEXT,
 * "content_type":TEXT,"headers":{NAME:VALUE},"cut":bool,"hang":bool}. "at" is a route name of
 * route.h. "times" -1 means until reset, "after" lets that many requests pass first. Without
 * "status" the answer is the usual one, only later. The error names what is wrong. */
bool faults_add(struct faults *faults, struct json_object *order, struct error *err);

/* Looks up the first order for `route` and uses it up by one. Returns true when `reply` now holds
 * the whole answer; false when the usual answer is to be made (a delay may have been set). */
bool faults_apply(struct faults *faults, const char *route, struct reply *reply);

#endif
