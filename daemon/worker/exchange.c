/* SPDX-License-Identifier: MIT
 *
 * Choosing and giving; the channels.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <ev.h>
#include <prong/socket.h>
#include <stdlib.h>

#include "channel.h"
#include "clock.h"
#include "config.h"
#include "connection.h"
#include "handoff.h"
#include "record.h"
#include "selection.h"
#include "service.h"

/* Connections that leave with one turn of the loop. */
#define PER_TURN (4 * HANDOFF_BATCH)

/* How soon a handler that said "not now" is asked again, and how soon it is looked whether
 * connections that wait for a worker have ended meanwhile. */
#define ASK_AGAIN_S  0.01
#define LOOK_AGAIN_S 0.1

/* --- Giving --- */

static bool has_patience(const struct exchange *exchange)
{
    return clock_s() < exchange->patience_ends;
}

void exchange_keep(struct exchange *exchange, struct prong_socket *socket)
{
    if (!exchange->is_leaving)
        return;
    connection_enter(connection_of(socket), CONNECTION_DRAINING);
    exchange->result.kept++;
}

/* What the operator wants for this server when its worker goes. */
static bool may_move(const struct exchange *exchange)
{
    return !exchange->is_leaving || exchange->service->config->on_reload == CONFIG_ON_RELOAD_MOVE;
}

/* There is nobody at the moment: the others died, and the master is about to send new ones. */
static bool is_alone(const struct exchange *exchange)
{
    return exchange->is_leaving && !exchange->hurries && may_move(exchange) &&
           !channel_has_giver(exchange->channels);
}

static struct channel *choose(const struct exchange *exchange, struct prong_socket *socket,
                              bool *exists)
{
    struct channel_need need = {
        .server = (size_t)(exchange->service - exchange->place.services),
        .descriptors = connection_descriptors(socket),
        .hurries = !has_patience(exchange),
    };
    struct channel *channel = channel_choose(exchange->channels, &need, exists);

    if (!may_move(exchange) || (channel == NULL && exchange->hurries))
        *exists = false;
    return channel;
}

static void give(struct exchange *exchange, struct channel *channel, struct record *record)
{
    exchange->this_turn++;
    exchange->wanted--;
    channel->servers[exchange->service - exchange->place.services].load++;
    handoff_give(channel->handoff, record);
}

/* Gives one connection, or decides that it stays.  False: no more in this turn. */
static bool visit(struct prong_socket *socket, void *user)
{
    struct exchange *exchange = user;
    struct channel *channel;
    struct record record;
    bool exists;
    int error;

    if (connection_of(socket)->state != CONNECTION_SERVING ||
        !selection_wants(&exchange->selection, socket))
        return true;
    if (exchange->this_turn == PER_TURN || exchange->wanted == 0 || is_alone(exchange))
        return false;
    channel = choose(exchange, socket, &exists);
    if (exists && channel == NULL)
        return false;
    if (exists && !connection_can_move(socket) && has_patience(exchange)) {
        exchange->asked_to_wait = true;
        return true;
    }
    error = exists ? connection_leave(socket, &record) : -ENOENT;
    if (error < 0)
        exchange_keep(exchange, socket);
    else
        give(exchange, channel, &record);
    return true;
}

static void rest(struct exchange *exchange)
{
    ev_prepare_stop(exchange->place.ev, &exchange->turn);
    ev_idle_stop(exchange->place.ev, &exchange->busy);
}

static void work(struct exchange *exchange)
{
    ev_prepare_start(exchange->place.ev, &exchange->turn);
    ev_idle_start(exchange->place.ev, &exchange->busy);
}

static void finish(struct exchange *exchange)
{
    struct exchange_result result = exchange->result;

    rest(exchange);
    ev_timer_stop(exchange->place.ev, &exchange->ask_again);
    selection_end(&exchange->selection);
    exchange->is_giving = false;
    channel_remove_all(&exchange->channels, true);
    exchange->events->on_done(&result, exchange->user);
}

static void give_some(struct exchange *exchange)
{
    exchange->this_turn = 0;
    exchange->asked_to_wait = false;
    selection_begin_pass(&exchange->selection);
    for (size_t i = 0; i < exchange->place.service_count; i++) {
        exchange->service = &exchange->place.services[i];
        service_each_connection(exchange->service, visit, exchange);
    }
    channel_flush(exchange->channels);
}

static double pause_s(const struct exchange *exchange)
{
    if (exchange->selection.phase == SELECTION_LOOK)
        return SELECTION_LOOK_S;
    return exchange->asked_to_wait ? ASK_AGAIN_S : LOOK_AGAIN_S;
}

static void on_turn(struct ev_loop *ev, ev_prepare *watcher, int revents)
{
    struct exchange *exchange = watcher->data;

    (void)revents;
    give_some(exchange);
    if (exchange->this_turn > 0)
        return;
    if (channel_pending(exchange->channels) > 0) {
        rest(exchange); /* an answer wakes us */
    } else if (exchange->wanted == 0 ||
               !selection_has_more(exchange->place.services, exchange->place.service_count) ||
               (!exchange->is_leaving && !has_patience(exchange))) {
        finish(exchange);
    } else {
        rest(exchange);
        ev_timer_set(&exchange->ask_again, pause_s(exchange), 0.);
        ev_timer_start(ev, &exchange->ask_again);
    }
}

static void on_ask_again(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct exchange *exchange = timer->data;

    (void)ev;
    (void)revents;
    selection_advance(&exchange->selection);
    work(exchange);
}

static void on_idle(struct ev_loop *ev, ev_idle *idle, int revents)
{
    (void)ev;
    (void)idle;
    (void)revents;
}

void exchange_give_some(struct exchange *exchange, size_t count, bool spares)
{
    if (!exchange->is_giving) {
        exchange_give(exchange, count);
        selection_begin(&exchange->selection, spares);
    } else if (!exchange->is_leaving) {
        exchange->wanted = count; /* as it looks by now */
    }
}

void exchange_give(struct exchange *exchange, size_t count)
{
    selection_end(&exchange->selection); /* who leaves has no choice */
    exchange->wanted = count;
    exchange->is_leaving = count == SIZE_MAX;
    if (!exchange->is_giving) /* what moved before it was told to give all is not told yet */
        exchange->result = (struct exchange_result){0};
    exchange->is_giving = true;
    exchange->hurries = false;
    exchange->patience_ends = clock_s() + (double)exchange->place.handoff_timeout_ms / 1e3;
    work(exchange);
}

void exchange_go_on(struct exchange *exchange)
{
    if (exchange->is_giving && !ev_is_active(&exchange->ask_again))
        work(exchange);
}

/* --- Channels --- */

static int add_channel(struct exchange *exchange, int fd, bool is_giver,
                       const struct message_peer *peer, size_t size)
{
    struct channel_place place = {.ev = exchange->place.ev,
                                  .scoreboard = exchange->place.scoreboard,
                                  .events = &exchange_handoff_events,
                                  .generation = exchange->place.generation,
                                  .slot = exchange->place.slot,
                                  .owner = exchange};
    struct channel *channel;

    if (!channel_is_sound(peer, size, exchange->place.service_count)) {
        close(fd);
        return -EPROTO;
    }
    exchange->takers += !is_giver; /* before it tells the giver how much room there is */
    channel = channel_new(&place, fd, is_giver, peer);
    if (channel == NULL) {
        exchange->takers -= !is_giver;
        return -ENOMEM;
    }
    channel->next = exchange->channels;
    exchange->channels = channel;
    if (is_giver) {
        ev_timer_stop(exchange->place.ev, &exchange->ask_again);
        exchange_go_on(exchange);
    }
    return 0;
}

int exchange_add_giver(struct exchange *exchange, int fd, const struct message_peer *peer,
                       size_t size)
{
    return add_channel(exchange, fd, true, peer, size);
}

int exchange_add_taker(struct exchange *exchange, int fd, const struct message_peer *peer,
                       size_t size)
{
    return add_channel(exchange, fd, false, peer, size);
}

bool exchange_is_giving(const struct exchange *exchange)
{
    return exchange->is_giving;
}

void exchange_hurry(struct exchange *exchange)
{
    exchange->hurries = true;
    exchange->patience_ends = 0;
    if (exchange->is_giving)
        work(exchange);
}

void exchange_stop(struct exchange *exchange)
{
    rest(exchange);
    ev_timer_stop(exchange->place.ev, &exchange->ask_again);
    selection_end(&exchange->selection);
    exchange->is_giving = false;
    channel_remove_all(&exchange->channels, true);
    exchange_stop_taking(exchange);
}

void exchange_stop_taking(struct exchange *exchange)
{
    exchange->takers -= channel_remove_all(&exchange->channels, false);
}

/* --- Life --- */

struct exchange *exchange_new(const struct exchange_place *place,
                              const struct exchange_events *events, void *user)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return NULL;
    exchange->place = *place;
    exchange->events = events;
    exchange->user = user;
    ev_prepare_init(&exchange->turn, on_turn);
    exchange->turn.data = exchange;
    ev_idle_init(&exchange->busy, on_idle);
    ev_init(&exchange->ask_again, on_ask_again);
    exchange->ask_again.data = exchange;
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    exchange_stop(exchange);
    free(exchange);
}
