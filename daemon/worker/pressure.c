/* SPDX-License-Identifier: MIT
 *
 * Back-pressure first, then the heaviest.
 */
#include "pressure.h"

#include <prong/loop.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <string.h>

#include "access.h"
#include "config.h"
#include "connection.h"
#include "log.h"
#include "service.h"
#include "trail.h"
#include "unsent.h"

/* Of the limit: where reading stops, what is left when the heaviest are gone, and where it is
 * over. */
#define HOLD_AT(limit)       ((limit) / 4 * 3)
#define CLOSE_DOWN_TO(limit) ((limit) / 8 * 7)
#define OVER_AT(limit)       ((limit) / 2)

/* Connections that are closed in one turn. */
#define MOST_PER_TURN 64

/* Tenths of a second after a look that found nobody. */
#define LOOK_AGAIN_DS 10

static uint64_t queued_by(const struct service *service)
{
    uint64_t queued = 0;

    for (size_t i = 0; i < service->server_count; i++)
        queued += prong_server_counters(service->servers[i])->bytes_queued;
    return queued;
}

/* Everything that the worker has to send: also on sockets of which no client knows, and what
 * handlers keep elsewhere. */
static uint64_t queued_by_all(const struct pressure *pressure)
{
    uint64_t queued = prong_loop_bytes_queued(pressure->loop);

    for (size_t i = 0; i < pressure->service_count; i++) {
        struct service *service = &pressure->services[i];

        if (service->is_started && service->handler->held_by_all != NULL)
            queued += service->handler->held_by_all((struct prongd_service *)service);
    }
    return queued;
}

/* --- Back-pressure --- */

struct hold {
    struct service *service;
    unsigned long held;
};

static bool hold_one(struct prong_socket *socket, void *user)
{
    struct hold *hold = user;

    if (!prong_socket_wrote_on(socket) || prong_socket_is_paused(socket) ||
        connection_of(socket)->state == CONNECTION_GREETING)
        return true;
    prong_socket_pause(socket);
    trail_of(hold->service, socket)->is_held = 1;
    hold->held++;
    return true;
}

/* Once for each time of pressure. */
static void tell(struct service *service, unsigned long held, uint64_t limit)
{
    if (held == 0 || service->is_told)
        return;
    service->is_told = true;
    log_warning("handler writes on although it was told to wait: until its clients have taken "
                "what waits, they are read no more server=%s handler=%s connections=%lu "
                "queued=%llu max_memory=%llu",
                service->config->name, service->handler->name, held,
                (unsigned long long)queued_by(service), (unsigned long long)limit);
}

static void hold(struct pressure *pressure)
{
    for (size_t i = 0; i < pressure->service_count; i++) {
        struct hold one = {.service = &pressure->services[i]};

        if (queued_by(one.service) == 0)
            continue;
        service_each_connection(one.service, hold_one, &one);
        tell(one.service, one.held, pressure->limit);
    }
}

void pressure_release(const struct service *service, struct prong_socket *socket)
{
    struct trail *trail = trail_of(service, socket);

    if (trail == NULL || !trail->is_held)
        return;
    trail->is_held = 0;
    prong_socket_resume(socket);
}

/* --- The heaviest --- */

struct heavy {
    struct prong_socket *socket;
    struct service *service; /* whose it is */
    uint64_t bytes;
};

struct heaviest {
    struct service *service;          /* whose connections are looked at */
    struct heavy list[MOST_PER_TURN]; /* the heaviest first */
    size_t count;
    uint64_t bytes; /* of all connections */
};

static bool weigh(struct prong_socket *socket, void *user)
{
    struct heaviest *heaviest = user;
    struct heavy heavy = {socket, heaviest->service, unsent_bytes(heaviest->service, socket)};
    size_t place = heaviest->count;

    heaviest->bytes += heavy.bytes;
    while (place > 0 && heaviest->list[place - 1].bytes < heavy.bytes)
        place--;
    if (heavy.bytes == 0 || place == MOST_PER_TURN)
        return true;
    if (heaviest->count < MOST_PER_TURN)
        heaviest->count++;
    memmove(&heaviest->list[place + 1], &heaviest->list[place],
            (heaviest->count - 1 - place) * sizeof(heavy));
    heaviest->list[place] = heavy;
    return true;
}

static void close_one(const struct heavy *heavy)
{
    struct unsent unsent = unsent_of(heavy->service, heavy->socket);

    prongd_log(heavy->socket, PRONGD_LOG_WARNING,
               "client closed: too much waits for %s reason=max_memory handler=%s queued=%llu",
               unsent.bytes[UNSENT_COMPANIONS] > unsent.bytes[UNSENT_CLIENT] ? "its upstream"
                                                                             : "it",
               heavy->service->handler->name, (unsigned long long)heavy->bytes);
    access_note(heavy->socket, ACCESS_END_MEMORY);
    unsent_cut(heavy->service, heavy->socket);
}

/* Nobody of a service where nothing waits can be heavy; companions and pipes do not tell. */
static bool may_have_heavy(const struct service *service)
{
    return queued_by(service) > 0 || service->handler->companions != NULL ||
           service->handler->held != NULL;
}

/* All connections are looked at once, however many are closed.  What a handler writes to sockets
 * of its own is nobody's: who closed clients for that would close all of them. */
static void close_heaviest(struct pressure *pressure)
{
    struct heaviest heaviest = {.count = 0};

    for (size_t i = 0; i < pressure->service_count; i++) {
        heaviest.service = &pressure->services[i];
        if (may_have_heavy(heaviest.service))
            service_each_connection(heaviest.service, weigh, &heaviest);
    }
    if (heaviest.bytes <= pressure->limit) {
        pressure->vain_ds = connection_now_ds();
        return;
    }
    for (size_t i = 0; heaviest.bytes > CLOSE_DOWN_TO(pressure->limit) && i < heaviest.count; i++) {
        close_one(&heaviest.list[i]);
        heaviest.bytes -= heaviest.list[i].bytes;
    }
}

/* A look that found nobody is not repeated with every turn. */
static bool may_look(const struct pressure *pressure)
{
    return connection_now_ds() - pressure->vain_ds >= LOOK_AGAIN_DS;
}

void pressure_check(struct pressure *pressure)
{
    uint64_t queued;

    if (pressure->limit == 0)
        return;
    queued = queued_by_all(pressure);
    if (queued > HOLD_AT(pressure->limit))
        hold(pressure);
    if (queued > pressure->limit && may_look(pressure))
        close_heaviest(pressure);
    for (size_t i = 0; queued < OVER_AT(pressure->limit) && i < pressure->service_count; i++)
        pressure->services[i].is_told = false;
}
