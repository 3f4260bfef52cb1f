/* An HTTP server on loopback that answers as it is told, well or badly, on a thread of its own.
 *
 * One for each check's process, which it lives as long as. Everything is for the check's thread. */
#ifndef SESAME_CHECK_PEER_H
#define SESAME_CHECK_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct check;
struct json_object;
struct peer;

/* What becomes of each connection. */
enum peer_manner {
    PEER_ANSWERS,           /* with `body` NULL: what the example says, in this manner */
    PEER_RESETS,            /* ends the connection without a byte */
    PEER_IS_SILENT,         /* reads the request and sends nothing */
    PEER_CUTS_HEAD,         /* ends within the head */
    PEER_CUTS_BODY,         /* ends within the body */
    PEER_GARBAGE,           /* sends something that is no HTTP */
    PEER_BYTE_WISE,         /* sends the answer in many small pieces */
    PEER_STOPS_BEFORE_BODY, /* sends the head and then nothing */
    PEER_STOPS_IN_BODY,     /* sends the head and half of the body and then nothing */
};

/* Texts are borrowed for as long as the answer is in force. */
struct peer_answer {
    enum peer_manner manner;
    int status;
    const char *type;    /* content type; NULL: none is sent */
    const char *headers; /* further lines, each with CRLF, or NULL */
    const char *body;
    size_t body_len;
};

/* `fallback` is the body of every answer that nothing else says; borrowed. A second
 * call gives the same server. Fails the check when there is no loopback. */
struct peer *peer_open(struct check *check, const char *fallback);

/* The example's answers (example.h), borrowed; NULL: none. */
void peer_use(struct peer *peer, struct json_object *answers);

/* "http://127.0.0.1:PORT" */
const char *peer_url(const struct peer *peer);

/* From now on every request is answered so; NULL: by the example again. */
void peer_set(struct peer *peer, const struct peer_answer *answer);

/* From now on connections are refused. */
void peer_refuse(struct peer *peer);

/* Requests that have come in whole, and those whose answer has been sent as far as it will be. */
size_t peer_request_count(struct peer *peer);
size_t peer_answer_count(struct peer *peer);

#endif
