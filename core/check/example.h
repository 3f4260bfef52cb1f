/* What an author says about an instance that can be checked: a configuration that works, files and
 * variables that it names, and what the service it calls answers. A JSON file:
 *
 *   {"config": {...}, "variables": {"NAME": "value"}, "files": {"name": "text"},
 *    "scope": "https://svc.example|read",
 *    "answers": [{"when": "text in the request", "status": 200, "type": "application/json",
 *                 "headers": "Name: value\r\n", "body": "text" or {...}}]}
 *
 * All may be missing. In texts "{url}" stands for the scripted server, "{folder}" for a folder of
 * the check's own, "{key:P-256}" and "{key:RSA-2048}" for a fresh private key in PEM; in the body
 * of an answer "{json:/id}" for that value of the request's body. Values of variables and files
 * count as secrets: they must show up nowhere. */
#ifndef SESAME_CHECK_EXAMPLE_H
#define SESAME_CHECK_EXAMPLE_H

#include <stdbool.h>

struct error;
struct json_object;

/* Reads and checks the file. The caller owns the result. */
struct json_object *example_read(const char *path, struct error *err);

/* A copy with everything but "{json:...}" filled in. */
struct json_object *example_fill(struct json_object *example, const char *url, const char *folder,
                                 struct error *err);

/* Writes the files into `folder`; `secret` is told what is in them and in the variables. */
bool example_set_up(struct json_object *filled, const char *folder,
                    void (*secret)(const char *text), struct error *err);

#endif
