/* Performs reply scripts on HTTP exchanges: pauses, pieces, cuts, and streams that stay open. */
#ifndef LOCAL_CLOUD_PLAYER_H
#define LOCAL_CLOUD_PLAYER_H

#include <stddef.h>
#include <stdint.h>

struct http_exchange;
struct journal;
struct loop;
struct player;
struct reply;

/* Borrows loop and journal. */
struct player *player_new(struct loop *loop, struct journal *journal);

/* Only when every exchange is over. */
void player_free(struct player *player);

/* Plays `reply`, whose contents move into the player. */
void player_play(struct player *player, struct http_exchange *exchange, struct reply *reply,
                 int64_t journal_number);

/* Writes `text` to all open streams with `topic`; returns how many there were. */
size_t player_publish(struct player *player, const char *topic, const char *text);

/* Ends them properly. */
void player_close(struct player *player, const char *topic);

#endif
