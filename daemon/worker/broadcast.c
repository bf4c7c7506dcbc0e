/* SPDX-License-Identifier: MIT
 *
 * Waking and being woken; telling the handler; connections that arrive.
 */
#include "broadcast.h"

#include <errno.h>
#include <ev.h>
#include <prong/loop.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ahead.h"
#include "arrivals.h"
#include "callbacks.h"
#include "config.h"
#include "connection.h"
#include "inheritance.h"
#include "log.h"
#include "ring.h"
#include "service.h"

/* Messages, and calls of on_message for them; then others have their turn. */
#define PER_TURN      64
#define TOLD_PER_TURN 4096

struct broadcast {
    struct service *service;
    struct ring *ring;
    int wake_fd;       /* everybody's */
    int edge_fd;       /* an epoll set with it: readable when it was written to since */
    uint64_t position; /* the last message that was heard here */
    bool has_news;     /* published in this turn */
    struct arrivals arrivals;
    struct ahead ahead;
    struct ev_loop *ev; /* NULL: not started */
    ev_io edge;
    ev_timer more; /* goes on in the next turn */
};

/* --- Telling the handler --- */

static struct prongd_service *handle(struct service *service)
{
    return (struct prongd_service *)service;
}

/* One that closes hears nothing. */
static bool is_open(const struct prong_socket *socket)
{
    return prong_socket_state(socket) < PRONG_SOCKET_CLOSING;
}

static bool is_listening(struct prong_socket *socket)
{
    return is_open(socket) && !connection_of(socket)->is_ahead;
}

/* To one connection.  `message` is a loss or a message. */
static bool tell(struct prong_socket *socket, void *user)
{
    const struct ring_message *message = user;
    struct prongd_service *service = prongd_service(socket);
    const struct prongd_handler *handler = ((struct service *)service)->handler;

    if (!is_listening(socket))
        return true;
    if (message->lost > 0 && handler->on_lost != NULL) {
        callbacks_note(socket, CALLBACK_LOST);
        handler->on_lost(service, socket, message->lost);
    } else if (message->lost == 0) {
        callbacks_note(socket, CALLBACK_MESSAGE);
        handler->on_message(socket, message->bytes, message->size);
    }
    return true;
}

static void tell_worker(struct service *service, const struct ring_message *message)
{
    const struct prongd_handler *handler = service->handler;

    if (message->lost > 0 && handler->on_lost != NULL) {
        callbacks_note_service(service, CALLBACK_LOST);
        handler->on_lost(handle(service), NULL, message->lost);
    } else if (message->lost == 0 && handler->on_broadcast != NULL) {
        callbacks_note_service(service, CALLBACK_BROADCAST);
        handler->on_broadcast(handle(service), message->bytes, message->size);
    }
}

/* Those whom the worker has reached listen with the others; of a loss they are told their part. */
static void let_listen(struct broadcast *broadcast, uint64_t reached, bool is_loss)
{
    struct prong_socket *socket;
    uint64_t position;

    while ((socket = ahead_reach(&broadcast->ahead, reached, &position)) != NULL) {
        connection_of(socket)->is_ahead = 0;
        if (is_loss && position < reached)
            (void)tell(socket, &(struct ring_message){.lost = reached - position});
    }
}

static void tell_all(struct broadcast *broadcast, struct ring_message *message)
{
    bool is_loss = message->lost > 0;

    if (!is_loss)
        let_listen(broadcast, broadcast->position - 1, false);
    prongd_each_connection(handle(broadcast->service), tell, message);
    if (is_loss)
        let_listen(broadcast, broadcast->position, true);
}

/* False: there was nothing more. */
static bool hear_one(struct broadcast *broadcast)
{
    struct service *service = broadcast->service;
    struct ring_message message;

    if (ring_read(broadcast->ring, &broadcast->position, &message) == RING_EMPTY) {
        let_listen(broadcast, UINT64_MAX, false); /* nobody is, whatever the memory said before */
        return false;
    }
    if (message.lost > 0)
        log_warning("messages were overwritten before they were heard: raise broadcast_buffer "
                    "server=%s count=%llu",
                    service->config->name, (unsigned long long)message.lost);
    tell_worker(service, &message);
    if (service->handler->on_message != NULL)
        tell_all(broadcast, &message);
    return true;
}

static void hear(struct broadcast *broadcast)
{
    const struct service *service = broadcast->service;
    uint64_t listeners = service->handler->on_message != NULL ? service_connections(service) : 0;
    uint64_t told = 0;

    for (int i = 0; i < PER_TURN && told < TOLD_PER_TURN; i++) {
        if (!hear_one(broadcast))
            return;
        told += listeners;
    }
    ev_timer_start(broadcast->ev, &broadcast->more);
}

static void hear_up_to(struct broadcast *broadcast, uint64_t position)
{
    while (broadcast->position < position && hear_one(broadcast))
        ;
}

/* --- Waking and being woken --- */

/* Others are woken at the end of a turn.  This may be said behind it, in what follows from it
 * before the loop sleeps: then there is one more. */
static void note_news(struct broadcast *broadcast)
{
    if (!broadcast->has_news)
        ev_timer_start(broadcast->ev, &broadcast->more);
    broadcast->has_news = true;
}

/* The edge is taken before the ring is read: what is published after that makes another. */
static void on_edge(struct ev_loop *loop, ev_io *io, int revents)
{
    struct epoll_event event;

    (void)loop;
    (void)revents;
    (void)epoll_wait(io->fd, &event, 1, 0);
    hear(io->data);
}

static void on_more(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    hear(timer->data);
}

int broadcast_publish(struct service *service, const void *bytes, size_t size)
{
    struct broadcast *broadcast = service->broadcast;
    int error = broadcast != NULL ? ring_publish(broadcast->ring, bytes, size) : -ENOTSUP;

    if (error == 0)
        note_news(broadcast);
    return error;
}

/* The number in the eventfd is of no interest, and it has room for 2^64 of them. */
void broadcast_wake(struct service *service)
{
    struct broadcast *broadcast = service->broadcast;
    uint64_t one = 1;

    if (broadcast == NULL || !broadcast->has_news)
        return;
    broadcast->has_news = false;
    if (write(broadcast->wake_fd, &one, sizeof(one)) < 0)
        log_code(LOG_LEVEL_ERROR, -errno, "workers cannot be woken server=%s",
                 service->config->name);
}

void broadcast_look(struct service *service)
{
    if (service->broadcast != NULL)
        hear(service->broadcast);
}

/* --- Connections ahead --- */

/* Without memory the worker hears at once what is between them: others wait meanwhile. */
static void put_ahead(struct broadcast *broadcast, struct prong_socket *socket, uint64_t position)
{
    if (ahead_add(&broadcast->ahead, socket, position) == 0)
        connection_of(socket)->is_ahead = 1;
    else
        hear_up_to(broadcast, position);
}

void broadcast_welcome(struct service *service, struct prong_socket *socket)
{
    struct broadcast *broadcast = service->broadcast;
    uint64_t last;

    if (broadcast == NULL || service->handler->on_message == NULL)
        return;
    last = ring_last(broadcast->ring);
    if (broadcast->position < last)
        put_ahead(broadcast, socket, last);
}

/* --- Connections on the way --- */

struct broadcast_place broadcast_place(const struct service *service, struct prong_socket *socket)
{
    const struct broadcast *broadcast = service->broadcast;
    struct broadcast_place place = {0};

    if (broadcast == NULL)
        return place;
    place = (struct broadcast_place){ring_identity(broadcast->ring), broadcast->position};
    if (connection_of(socket)->is_ahead)
        (void)ahead_find(&broadcast->ahead, socket, &place.position);
    return place;
}

void broadcast_leave(struct service *service, struct prong_socket *socket)
{
    struct connection *connection = connection_of(socket);

    if (!connection->is_ahead)
        return;
    ahead_remove(&service->broadcast->ahead, socket);
    connection->is_ahead = 0;
}

int broadcast_arrive(struct service *service, struct prong_socket *socket,
                     const struct broadcast_place *place)
{
    struct broadcast *broadcast = service->broadcast;

    if (broadcast == NULL || service->handler->on_message == NULL ||
        place->ring != ring_identity(broadcast->ring))
        return 0;
    return arrivals_add(&broadcast->arrivals, socket, place->position);
}

/* A loss may reach beyond what the worker itself has heard: that part is still to come. */
static void repeat_one(struct broadcast *broadcast, struct prong_socket *socket, uint64_t *position)
{
    struct ring_message message;
    enum ring_result result = ring_read(broadcast->ring, position, &message);

    if (result == RING_LOST && *position > broadcast->position)
        message.lost -= *position - broadcast->position;
    if (result != RING_EMPTY)
        (void)tell(socket, &message);
    else
        *position = broadcast->position;
}

void broadcast_join(struct service *service, struct prong_socket *socket)
{
    struct broadcast *broadcast = service->broadcast;
    uint64_t position;

    if (broadcast == NULL || !arrivals_find(&broadcast->arrivals, socket, &position) ||
        position <= broadcast->position)
        return;
    (void)arrivals_take(&broadcast->arrivals, socket, &position);
    put_ahead(broadcast, socket, position);
}

void broadcast_catch_up(struct service *service, struct prong_socket *socket)
{
    struct broadcast *broadcast = service->broadcast;
    uint64_t position;

    if (broadcast == NULL || !arrivals_take(&broadcast->arrivals, socket, &position))
        return;
    prong_socket_hold(socket);
    while (position < broadcast->position && is_open(socket))
        repeat_one(broadcast, socket, &position);
    prong_socket_release(socket);
}

void broadcast_forget(struct service *service, struct prong_socket *socket)
{
    uint64_t position;

    if (service->broadcast == NULL)
        return;
    (void)arrivals_take(&service->broadcast->arrivals, socket, &position);
    broadcast_leave(service, socket);
}

/* --- Life --- */

static int open_edge(struct broadcast *broadcast)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    broadcast->edge_fd = epoll_create1(EPOLL_CLOEXEC);
    if (broadcast->edge_fd < 0 ||
        epoll_ctl(broadcast->edge_fd, EPOLL_CTL_ADD, broadcast->wake_fd, &event) < 0)
        return -errno;
    return 0;
}

int broadcast_open(struct service *service, struct inherited_common *common)
{
    struct broadcast *broadcast;
    int ring_fd = common->ring_fd;

    if (ring_fd < 0)
        return 0;
    broadcast = calloc(1, sizeof(*broadcast));
    if (broadcast == NULL)
        return -ENOMEM;
    service->broadcast = broadcast;
    broadcast->service = service;
    broadcast->edge_fd = -1;
    broadcast->wake_fd = common->wake_fd;
    common->ring_fd = common->wake_fd = -1;
    broadcast->ring = ring_open(ring_fd);
    return broadcast->ring != NULL ? open_edge(broadcast) : -errno;
}

void broadcast_start(struct service *service)
{
    struct broadcast *broadcast = service->broadcast;

    if (broadcast == NULL)
        return;
    broadcast->ev = prong_loop_ev(service->loop);
    broadcast->position = ring_last(broadcast->ring);
    ev_io_init(&broadcast->edge, on_edge, broadcast->edge_fd, EV_READ);
    broadcast->edge.data = broadcast;
    ev_io_start(broadcast->ev, &broadcast->edge);
    ev_timer_init(&broadcast->more, on_more, 0., 0.);
    broadcast->more.data = broadcast;
}

void broadcast_close(struct service *service)
{
    struct broadcast *broadcast = service->broadcast;

    if (broadcast == NULL)
        return;
    broadcast_wake(service);
    if (broadcast->ev != NULL) {
        ev_io_stop(broadcast->ev, &broadcast->edge);
        ev_timer_stop(broadcast->ev, &broadcast->more);
    }
    arrivals_clear(&broadcast->arrivals);
    ahead_clear(&broadcast->ahead);
    if (broadcast->edge_fd >= 0)
        close(broadcast->edge_fd);
    close(broadcast->wake_fd);
    ring_free(broadcast->ring);
    free(broadcast);
    service->broadcast = NULL;
}
