/* Shortens a conversation that the model found too long. Pure. */
#ifndef SESAME_AGENT_HISTORY_H
#define SESAME_AGENT_HISTORY_H

#include <stddef.h>

struct json_object;

/* Drops the oldest messages of the array until half of its size, as JSON text, is left, or nothing
 * more may go; returns how many went. What goes, goes whole: first the rounds before the newest
 * user message (a user message and all that follows it up to the next), then the tool rounds after
 * it (an assistant message and the answers to its calls) except the last one, without which the
 * model would only ask for the same again. So no call ever stands without its answers. Messages of
 * the role system and the newest user message always stay. */
size_t history_shorten(struct json_object *messages);

#endif
