/* SPDX-License-Identifier: MIT
 *
 * Closing little by little.
 */
#include "farewell.h"

#include <prong/socket.h>
#include <stdbool.h>

#include "access.h"
#include "config.h"
#include "service.h"
#include "unsent.h"

#define TICK_MS 20

static bool close_one(struct prong_socket *socket, void *user)
{
    struct farewell *farewell = user;
    struct unsent unsent;

    if (farewell->this_tick == 0)
        return false;
    if (prong_socket_state(socket) != PRONG_SOCKET_OPEN)
        return true; /* it ends already */
    farewell->this_tick--;
    access_note(socket, ACCESS_END_WORKER);
    /* What was written before is still sent; what the handler keeps elsewhere cannot be. */
    unsent = unsent_of(farewell->service, socket);
    if (unsent.bytes[UNSENT_CLIENT] > prong_socket_queue_bytes(socket))
        unsent_cut(farewell->service, socket);
    else
        prong_socket_destroy_soon(socket);
    return true;
}

static void on_tick(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct farewell *farewell = timer->data;

    (void)ev;
    (void)revents;
    farewell->this_tick = farewell->each_tick;
    service_each_connection(farewell->service, close_one, farewell);
}

void farewell_start(struct farewell *farewell, struct ev_loop *ev, struct service *service)
{
    uint64_t spread_ms = service->config->close_spread_ms;
    uint64_t connections = service_connections(service);

    if (service->config->on_reload != CONFIG_ON_RELOAD_CLOSE || connections == 0)
        return;
    farewell->service = service;
    farewell->ev = ev;
    farewell->each_tick = spread_ms < TICK_MS ? connections : connections * TICK_MS / spread_ms + 1;
    ev_timer_init(&farewell->timer, on_tick, 0., TICK_MS / 1e3);
    farewell->timer.data = farewell;
    ev_timer_start(ev, &farewell->timer);
}

void farewell_stop(struct farewell *farewell)
{
    if (farewell->ev != NULL)
        ev_timer_stop(farewell->ev, &farewell->timer);
}
