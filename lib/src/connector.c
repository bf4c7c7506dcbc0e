/* SPDX-License-Identifier: MIT
 *
 * Connecting: a name, its addresses, and attempts that race each other.
 *
 * Happy eyeballs as RFC 8305 has it: the families take turns, beginning with that of the first
 * answer (R51); the next attempt starts when one fails, or 250 ms after the last one started, and
 * *beside* it: a slow path that works is not lost (R52).  The first one to connect wins.
 */
#include "connector.h"

#include "resolver.h"
#include "socket_internal.h"

#include <prong/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAGGER_S 0.25

/* A unix socket whose backlog is full refuses at once with EAGAIN (R58): we ask again. */
#define BUSY_RETRY_S 0.02

struct attempt {
    struct ev_io io;
    struct connector *connector;
    struct attempt *next;
    struct prong_address address;
};

struct connector {
    struct prong_socket *socket;
    struct lookup *lookup;
    struct prong_address *addresses; /* in the order of the attempts */
    size_t count, started;
    struct attempt *attempts; /* under way */
    struct ev_timer stagger;  /* until the next attempt */
    struct ev_timer limit;    /* of the whole connect */
    int error;                /* of the first attempt that failed */
    enum socket_call call;
    struct prong_address failed;
};

static void start_next(struct connector *connector);

static struct ev_loop *ev_of(const struct connector *connector)
{
    return loop_of(connector->socket)->ev;
}

/* --- Attempts --- */

static void attempt_unlink(struct attempt *attempt)
{
    struct attempt **link = &attempt->connector->attempts;

    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
    ev_io_stop(ev_of(attempt->connector), &attempt->io);
}

static void attempt_free(struct attempt *attempt)
{
    attempt_unlink(attempt);
    close(attempt->io.fd);
    free(attempt);
}

void connector_free(struct connector *connector)
{
    if (connector == NULL)
        return;
    while (connector->attempts != NULL)
        attempt_free(connector->attempts);
    lookup_cancel(connector->lookup);
    ev_timer_stop(ev_of(connector), &connector->stagger);
    ev_timer_stop(ev_of(connector), &connector->limit);
    free(connector->addresses);
    free(connector);
}

/* The end of it: closes the socket with the first error.  Frees the connector. */
static void give_up(struct connector *connector)
{
    struct prong_socket *socket = connector->socket;

    socket->rare->failed = connector->failed;
    socket_fail(socket, connector->error, connector->call);
}

static void note_failure(struct connector *connector, int error, enum socket_call call,
                         const struct prong_address *address)
{
    if (connector->error != 0)
        return;
    connector->error = error;
    connector->call = call;
    connector->failed = *address;
}

static void remember_addresses(struct prong_socket *socket, int fd,
                               const struct prong_address *remote)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    struct prong_address local = {0};

    if (remote->family == AF_UNIX)
        return;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) == 0)
        prong_address_from_sockaddr(&local, (struct sockaddr *)&storage, length);
    endpoint_pack(&socket->local, &local);
    endpoint_pack(&socket->remote, remote);
}

/* The race is over: the socket gets the winner's descriptor.  Frees the connector. */
static void win(struct attempt *attempt)
{
    struct connector *connector = attempt->connector;
    struct prong_socket *socket = connector->socket;
    struct prong_address remote = attempt->address;
    int fd = attempt->io.fd;

    attempt_unlink(attempt);
    free(attempt);
    socket->rare->connector = NULL;
    connector_free(connector);
    socket_open(socket, fd, (uint8_t)remote.family);
    remember_addresses(socket, fd, &remote);
    socket_apply_options(socket);
    if (socket->reset_wanted && prong_socket_reset(socket) == 0)
        return;
    socket_touch(socket);
    socket->due_connect = true;
    socket_update_watchers(socket);
    socket_defer(socket);
}

static void on_attempt_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct attempt *attempt = io->data;
    struct connector *connector = attempt->connector;
    int error = 0;
    socklen_t length = sizeof(error);

    (void)ev;
    (void)revents;
    if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    if (error == 0) {
        win(attempt);
        return;
    }
    note_failure(connector, -error, CALL_CONNECT, &attempt->address);
    attempt_free(attempt);
    start_next(connector);
}

/* 0, or what failed.  An attempt that connects at once is reported by the loop like any other. */
static int attempt_start(struct connector *connector, const struct prong_address *address,
                         enum socket_call *call)
{
    struct sockaddr_storage storage;
    socklen_t length;
    struct attempt *attempt;
    int error = prong_address_to_sockaddr(address, &storage, &length);
    int fd;

    *call = CALL_SOCKET;
    if (error < 0)
        return error;
    fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    *call = CALL_CONNECT;
    attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL) {
        error = -ENOMEM;
        goto fail;
    }
    if (connect(fd, (struct sockaddr *)&storage, length) < 0 && errno != EINPROGRESS) {
        error = -errno;
        goto fail;
    }
    attempt->connector = connector;
    attempt->address = *address;
    attempt->next = connector->attempts;
    connector->attempts = attempt;
    ev_io_init(&attempt->io, on_attempt_ready, fd, EV_WRITE);
    attempt->io.data = attempt;
    ev_io_start(ev_of(connector), &attempt->io);
    return 0;

fail:
    free(attempt);
    close(fd);
    return error;
}

static void wait_before_next(struct connector *connector, ev_tstamp seconds)
{
    ev_timer_stop(ev_of(connector), &connector->stagger);
    ev_now_update(ev_of(connector));
    ev_timer_set(&connector->stagger, seconds, 0.);
    ev_timer_start(ev_of(connector), &connector->stagger);
}

/* Starts the next attempt that can be started; gives up when there is none, under way or left. */
static void start_next(struct connector *connector)
{
    enum socket_call call;

    ev_timer_stop(ev_of(connector), &connector->stagger);
    while (connector->started < connector->count) {
        const struct prong_address *address = &connector->addresses[connector->started];
        int error = attempt_start(connector, address, &call);

        if (error == -EAGAIN && address->family == AF_UNIX) {
            wait_before_next(connector, BUSY_RETRY_S);
            return;
        }
        connector->started++;
        if (error == 0) {
            if (connector->started < connector->count)
                wait_before_next(connector, STAGGER_S);
            return;
        }
        note_failure(connector, error, call, address);
    }
    if (connector->attempts == NULL)
        give_up(connector);
}

static void on_stagger_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)ev;
    (void)revents;
    start_next(timer->data);
}

static void on_limit_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct connector *connector = timer->data;
    const struct prong_address *address =
        connector->started > 0 ? &connector->addresses[connector->started - 1] : NULL;

    (void)ev;
    (void)revents;
    connector->error = -ETIMEDOUT;
    connector->call = CALL_CONNECT;
    connector->failed = address != NULL ? *address : (struct prong_address){0};
    give_up(connector);
}

/* --- Names --- */

/* Families take turns, beginning with that of the first answer; doubles are dropped (R51). */
static size_t interleave(struct prong_address *target, const struct prong_address *addresses,
                         size_t count)
{
    size_t filled = 0, next[2] = {0, 0};
    uint16_t first = addresses[0].family;

    for (size_t turn = 0; next[0] < count || next[1] < count; turn++) {
        size_t *cursor = &next[turn % 2];
        bool want_first = turn % 2 == 0;
        bool is_double = false;

        while (*cursor < count && (addresses[*cursor].family == first) != want_first)
            (*cursor)++;
        if (*cursor == count)
            continue;
        for (size_t i = 0; i < filled; i++)
            is_double = is_double || prong_address_equal(&target[i], &addresses[*cursor]);
        if (!is_double)
            target[filled++] = addresses[*cursor];
        (*cursor)++;
    }
    return filled;
}

static void emit_lookup(struct prong_socket *socket, int error, const struct prong_address *address)
{
    if (socket->events->on_lookup != NULL)
        socket->events->on_lookup(socket, error, address);
}

static void on_resolved(void *user, int error, const struct prong_address *addresses, size_t count)
{
    struct connector *connector = user;
    struct prong_socket *socket = connector->socket;

    connector->lookup = NULL;
    connector->addresses = calloc(count + 1, sizeof(*addresses));
    if (connector->addresses == NULL)
        error = -ENOMEM;
    connector->error = error;
    connector->call = CALL_GETADDRINFO;
    if (error == 0) {
        connector->error = 0;
        connector->count = interleave(connector->addresses, addresses, count);
    }
    prong_socket_hold(socket);
    socket_touch(socket);
    if (error < 0)
        emit_lookup(socket, error, NULL);
    for (size_t i = 0; i < count && socket->state == PRONG_SOCKET_CONNECTING; i++)
        emit_lookup(socket, 0, &addresses[i]);
    if (socket->state == PRONG_SOCKET_CONNECTING && error < 0)
        give_up(connector);
    else if (socket->state == PRONG_SOCKET_CONNECTING)
        start_next(connector);
    prong_socket_release(socket);
}

/* --- Start --- */

static int refusal(const struct prong_socket *socket)
{
    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
    case PRONG_SOCKET_CLOSED:
        return 0;
    case PRONG_SOCKET_CONNECTING:
        return -EALREADY;
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_ENDING:
        return -EISCONN;
    case PRONG_SOCKET_CLOSING:
        break;
    }
    return PRONG_EDESTROYED;
}

/* A held socket that was closed begins anew (R48). */
static void begin_anew(struct prong_socket *socket)
{
    if (socket->state != PRONG_SOCKET_CLOSED)
        return;
    prong_socket_hold(socket); /* the library's own, until the next on_close */
    socket->bytes_read = socket->bytes_written = 0;
    socket->error = 0;
    socket->family = 0;
    socket->corked = 0;
    socket->peer_ended = socket->end_delivered = socket->end_wanted = socket->finished = false;
    socket->destroy_soon = socket->reset_wanted = socket->need_drain = false;
    socket->due_connect = socket->due_unread = socket->due_drain = socket->due_finish = false;
}

static int connector_new(struct prong_socket *socket)
{
    struct socket_rare *rare = socket_rare(socket);
    struct connector *connector;

    if (rare == NULL)
        return -ENOMEM;
    connector = calloc(1, sizeof(*connector));
    if (connector == NULL)
        return -ENOMEM;
    connector->socket = socket;
    ev_init(&connector->stagger, on_stagger_over);
    connector->stagger.data = connector;
    ev_init(&connector->limit, on_limit_over);
    connector->limit.data = connector;
    rare->connector = connector;
    rare->failed = (struct prong_address){0};
    return 0;
}

/* From here on failures are told by on_error. */
static void enter_connecting(struct prong_socket *socket)
{
    struct connector *connector = socket->rare->connector;

    begin_anew(socket);
    socket_enter(socket, PRONG_SOCKET_CONNECTING);
    socket_touch(socket);
    if (socket->rare->connect_timeout_ms == 0)
        return;
    ev_now_update(ev_of(connector));
    ev_timer_set(&connector->limit, socket->rare->connect_timeout_ms / 1e3, 0.);
    ev_timer_start(ev_of(connector), &connector->limit);
}

static void abandon(struct prong_socket *socket)
{
    connector_free(socket->rare->connector);
    socket->rare->connector = NULL;
}

int prong_socket_connect_address(struct prong_socket *socket, const struct prong_address *address)
{
    int error = refusal(socket);
    struct connector *connector;

    if (error == 0 && (address->family == 0 || (address->family != AF_UNIX && address->port == 0)))
        error = -EINVAL;
    if (error == 0)
        error = connector_new(socket);
    if (error < 0)
        return error;
    connector = socket->rare->connector;
    connector->addresses = malloc(sizeof(*address));
    if (connector->addresses == NULL) {
        abandon(socket);
        return -ENOMEM;
    }
    *connector->addresses = *address;
    connector->count = 1;
    enter_connecting(socket);
    start_next(connector);
    return 0;
}

int prong_socket_connect(struct prong_socket *socket, const char *host, uint16_t port)
{
    const char *name = host != NULL ? host : "localhost";
    struct prong_address address;
    struct socket_rare *rare;
    int error = refusal(socket);

    if (error == 0 && port == 0)
        error = -EINVAL;
    if (error == 0 && prong_address_from_ip(&address, name, port) == 0)
        return prong_socket_connect_address(socket, &address);
    if (error == 0)
        error = connector_new(socket);
    if (error < 0)
        return error;
    rare = socket->rare;
    free(rare->host);
    rare->host = strdup(name);
    if (rare->host != NULL)
        rare->connector->lookup =
            lookup_start(loop_of(socket), name, port, AF_UNSPEC, on_resolved, rare->connector);
    if (rare->host == NULL || rare->connector->lookup == NULL) {
        abandon(socket);
        return -ENOMEM;
    }
    enter_connecting(socket);
    return 0;
}
