/* Performs reply scripts on HTTP exchanges: pauses, pieces, cuts, and streams that stay open. */
#include "local-cloud/player.h"

#include "base/clock.h"
#include "base/error.h"
#include "local-cloud/journal.h"
#include "local-cloud/memory.h"
#include "local-cloud/reply.h"
#include "net/http_server.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct play {
    struct play *next, **at; /* `at` points to what points here */
    struct player *player;
    struct http_exchange *exchange;
    struct loop_timer *timer;
    struct reply reply;
    size_t piece;  /* the next one */
    size_t offset; /* of its bytes */
    int64_t journal_number;
    bool is_started;
    bool is_waited; /* the pause before the next piece is over */
};

struct player {
    struct loop *loop;
    struct journal *journal;
    struct play *first;
};

struct player *player_new(struct loop *loop, struct journal *journal)
{
    struct player *player = must_allocate(sizeof *player);

    player->loop = loop;
    player->journal = journal;
    return player;
}

void player_free(struct player *player)
{
    free(player);
}

static void finish(struct play *play, bool is_client_gone)
{
    journal_end(play->player->journal, play->journal_number,
                play->is_started ? play->reply.status : 0, is_client_gone, clock_wall_ms());
    *play->at = play->next;
    if (play->next != NULL)
        play->next->at = play->at;
    loop_timer_free(play->timer);
    reply_clear(&play->reply);
    free(play);
}

static void on_gone(void *arg, const char *reason)
{
    (void)reason;
    finish(arg, true);
}

static void end(struct play *play)
{
    struct http_exchange *exchange = play->exchange;
    enum reply_ending ending = play->reply.ending;

    if (ending == REPLY_STAYS_OPEN)
        return;
    finish(play, false);
    if (ending == REPLY_IS_CUT)
        http_exchange_abort(exchange);
    else
        http_exchange_end(exchange);
}

static void write_pieces(struct play *play)
{
    struct reply *reply = &play->reply;

    while (play->piece < reply->piece_count) {
        const struct reply_piece *piece = &reply->pieces[play->piece];

        if (piece->delay_ms > 0 && !play->is_waited) {
            play->is_waited = true;
            loop_timer_start(play->timer, piece->delay_ms);
            return;
        }
        play->is_waited = false;
        play->piece++;
        play->offset += piece->len;
        if (piece->len > 0 &&
            !http_exchange_write(play->exchange, reply->body.data + play->offset - piece->len,
                                 piece->len))
            return; /* on_gone follows */
    }
    end(play);
}

static void start(struct play *play)
{
    struct http_exchange *exchange = play->exchange;
    struct reply *reply = &play->reply;

    play->is_started = true;
    if (reply->status == 0) {
        end(play);
        return;
    }
    for (size_t i = 0; i < reply->header_count; i++)
        http_exchange_add_header(exchange, reply->headers[i].name, reply->headers[i].value);
    if (reply->is_streamed) {
        if (http_exchange_stream(exchange, reply->status, reply->content_type))
            write_pieces(play);
        return;
    }
    http_exchange_reply(exchange, reply->status, reply->content_type,
                        reply->body.data == NULL ? "" : reply->body.data, reply->body.len);
    finish(play, false);
}

static void on_timer(void *arg)
{
    struct play *play = arg;

    if (play->is_started)
        write_pieces(play);
    else
        start(play);
}

void player_play(struct player *player, struct http_exchange *exchange, struct reply *reply,
                 int64_t journal_number)
{
    struct play *play = must_allocate(sizeof *play);
    struct error err = {0};

    play->player = player;
    play->exchange = exchange;
    play->journal_number = journal_number;
    play->reply = *reply;
    reply_init(reply);
    play->timer = must_have(loop_timer_new(player->loop, on_timer, play, &err));
    play->next = player->first;
    if (play->next != NULL)
        play->next->at = &play->next;
    play->at = &player->first;
    player->first = play;
    http_exchange_set_owner(exchange, on_gone, play);
    if (play->reply.delay_ms > 0)
        loop_timer_start(play->timer, play->reply.delay_ms);
    else
        start(play);
}

static bool is_listening(const struct play *play, const char *topic)
{
    return play->is_started && play->reply.topic != NULL &&
           play->piece == play->reply.piece_count && strcmp(play->reply.topic, topic) == 0;
}

size_t player_publish(struct player *player, const char *topic, const char *text)
{
    size_t count = 0;

    for (struct play *play = player->first; play != NULL; play = play->next)
        if (is_listening(play, topic) && http_exchange_write(play->exchange, text, strlen(text)))
            count++;
    return count;
}

void player_close(struct player *player, const char *topic)
{
    struct play *next;

    for (struct play *play = player->first; play != NULL; play = next) {
        next = play->next;
        if (!is_listening(play, topic))
            continue;
        play->reply.ending = REPLY_ENDS;
        end(play);
    }
}
