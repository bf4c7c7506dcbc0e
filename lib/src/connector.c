/* SPDX-License-Identifier: MIT
 *
 * The race.
 *
 * The next attempt starts when one fails, or some time after the last one started, and *beside*
 * it: a slow path that works is not lost (R52).  The last one may take as long as the kernel lets
 * it (R53).
 *
 * Every callback may destroy the socket, and that frees the connector: is_live() is asked after
 * each of them, on a socket that is held.
 */
#include "connector.h"

#include "attempts.h"
#include "dial.h"
#include "lookup.h"
#include "socket_internal.h"

#include <prong/block_list.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A unix socket whose backlog is full refuses at once with EAGAIN (R58): we ask again, after this
 * time at first, and then after twice as long, up to the second one. */
#define BUSY_FIRST_MS 10
#define BUSY_LAST_MS  1000

/* An attempt under way. */
struct racer {
    struct ev_io io;
    struct connector *connector;
    struct racer *next;
    struct prong_attempt *attempt;
};

struct connector {
    struct prong_socket *socket;
    struct prong_connect_options options;
    struct prong_lookup *lookup;
    struct racer *racers;
    struct ev_timer stagger; /* until the next attempt */
    struct ev_timer limit;   /* of the whole connect */
    uint32_t busy_ms;        /* until the last attempt is repeated; 0: it is not */
    uint16_t port;
    bool begun;
};

static struct ev_loop *ev_of(const struct connector *connector)
{
    return loop_of(connector->socket)->ev;
}

static struct attempts *attempts_of(const struct connector *connector)
{
    return connector->socket->rare->attempts;
}

static bool is_live(const struct prong_socket *socket)
{
    return socket->state == PRONG_SOCKET_CONNECTING;
}

/* libev counts from the time at which its turn began: a long callback must not shorten us. */
static void start_timer(const struct connector *connector, struct ev_timer *timer, uint32_t ms)
{
    ev_timer_stop(ev_of(connector), timer);
    ev_now_update(ev_of(connector));
    ev_timer_set(timer, ms / 1e3, 0.);
    ev_timer_start(ev_of(connector), timer);
}

/* --- Callbacks --- */

static void emit_lookup(struct prong_socket *socket, int error, const struct prong_address *address)
{
    if (socket->events->on_lookup != NULL)
        socket->events->on_lookup(socket, error, address);
}

static void emit_attempt(struct prong_socket *socket, enum prong_attempt_event event,
                         const struct prong_attempt *attempt)
{
    if (socket->events->on_attempt != NULL)
        socket->events->on_attempt(socket, event, attempt);
}

/* --- The race --- */

static void racer_discard(struct racer *racer)
{
    ev_io_stop(ev_of(racer->connector), &racer->io);
    if (racer->io.fd >= 0)
        close(racer->io.fd);
    free(racer);
}

static void racer_free(struct racer *racer)
{
    struct racer **link = &racer->connector->racers;

    while (*link != racer)
        link = &(*link)->next;
    *link = racer->next;
    racer_discard(racer);
}

static void fail_attempt(struct connector *connector, struct prong_attempt *attempt, int error)
{
    attempts_note_failure(attempts_of(connector), attempt, error, attempt->syscall);
    emit_attempt(connector->socket, PRONG_ATTEMPT_FAILED, attempt);
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
static void win(struct racer *racer)
{
    struct connector *connector = racer->connector;
    struct prong_socket *socket = connector->socket;
    const struct prong_address *remote = &racer->attempt->address;
    int fd = racer->io.fd;

    /* Stopped while the watcher still knows its descriptor, which is the socket's from now on. */
    ev_io_stop(ev_of(connector), &racer->io);
    racer->io.fd = -1;
    socket->rare->connector = NULL;
    connector_free(connector);
    socket_open(socket, fd, (uint8_t)remote->family);
    remember_addresses(socket, fd, remote);
    socket_apply_options(socket);
    socket_touch(socket);
    socket->due_connect = true;
    socket_update_watchers(socket);
    socket_defer(socket);
}

static void on_racer_ready(struct ev_loop *ev, struct ev_io *io, int revents);

/* 0, or what failed.  One that connects at once is reported by the loop like any other. */
static int start_racer(struct connector *connector, struct prong_attempt *attempt)
{
    const struct socket_rare *rare = connector->socket->rare;
    struct racer *racer = calloc(1, sizeof(*racer));
    int fd;

    attempt->syscall = "socket";
    if (racer == NULL)
        return -ENOMEM;
    fd = dial(attempt, &rare->attempts->local, rare->type_of_service);
    if (fd < 0) {
        free(racer);
        return fd;
    }
    racer->connector = connector;
    racer->attempt = attempt;
    racer->next = connector->racers;
    connector->racers = racer;
    ev_io_init(&racer->io, on_racer_ready, fd, EV_WRITE);
    racer->io.data = racer;
    ev_io_start(ev_of(connector), &racer->io);
    return 0;
}

static bool is_blocked(const struct connector *connector, const struct prong_attempt *attempt)
{
    return connector->options.block_list != NULL &&
           prong_block_list_check(connector->options.block_list, &attempt->address);
}

/* After twice as long as the last time. */
static void repeat_later(struct connector *connector)
{
    uint32_t wait_ms = connector->busy_ms == 0 ? BUSY_FIRST_MS : 2 * connector->busy_ms;

    connector->busy_ms = wait_ms < BUSY_LAST_MS ? wait_ms : BUSY_LAST_MS;
    start_timer(connector, &connector->stagger, connector->busy_ms);
}

/* Starts it, or notes why not. */
static void run_attempt(struct connector *connector, struct prong_attempt *attempt)
{
    const struct attempts *attempts = attempts_of(connector);
    int error = start_racer(connector, attempt);

    if (error == -EAGAIN && attempt->address.family == AF_UNIX)
        repeat_later(connector);
    else if (error < 0)
        fail_attempt(connector, attempt, error);
    else if (attempts->started < attempts->count)
        start_timer(connector, &connector->stagger, connector->options.stagger_ms);
}

static void begin_attempt(struct connector *connector)
{
    struct prong_socket *socket = connector->socket;
    struct attempts *attempts = attempts_of(connector);
    struct prong_attempt *attempt = &attempts->each[attempts->started++];

    if (is_blocked(connector, attempt)) {
        attempt->syscall = "connect";
        fail_attempt(connector, attempt, PRONG_EBLOCKED);
        return;
    }
    emit_attempt(socket, PRONG_ATTEMPT_STARTED, attempt);
    if (is_live(socket))
        run_attempt(connector, attempt);
}

/* Nothing is under way, and nothing is left. */
static void give_up(struct connector *connector)
{
    socket_fail(connector->socket, attempts_of(connector)->failed->error, CALL_CONNECT);
}

/* Goes on to the first address that does not fail at once.  The socket is held. */
static void start_next(struct connector *connector)
{
    const struct prong_socket *socket = connector->socket;
    const struct attempts *attempts = attempts_of(connector);

    ev_timer_stop(ev_of(connector), &connector->stagger);
    while (attempts->started < attempts->count) {
        const struct prong_attempt *attempt = &attempts->each[attempts->started];

        begin_attempt(connector);
        if (!is_live(socket) || attempt->error == 0)
            return;
    }
    if (connector->racers == NULL)
        give_up(connector);
}

static void on_racer_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct racer *racer = io->data;
    struct connector *connector = racer->connector;
    struct prong_socket *socket = connector->socket;
    struct prong_attempt *attempt = racer->attempt;
    int error = 0;
    socklen_t length = sizeof(error);

    (void)ev;
    (void)revents;
    if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    if (error == 0) {
        win(racer);
        return;
    }
    racer_free(racer);
    attempt->syscall = "connect";
    prong_socket_hold(socket);
    fail_attempt(connector, attempt, -error);
    if (is_live(socket))
        start_next(connector);
    prong_socket_release(socket);
}

/* The attempt that started last is slow, or it is to be repeated. */
static void on_stagger_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct connector *connector = timer->data;
    struct prong_socket *socket = connector->socket;
    struct attempts *attempts = attempts_of(connector);
    struct prong_attempt *last = &attempts->each[attempts->started - 1];

    (void)ev;
    (void)revents;
    prong_socket_hold(socket);
    if (connector->busy_ms > 0)
        run_attempt(connector, last);
    else
        emit_attempt(socket, PRONG_ATTEMPT_SLOW, last);
    if (is_live(socket) && (connector->busy_ms == 0 || last->error != 0))
        start_next(connector);
    prong_socket_release(socket);
}

/* The addresses are known. */
static void race(struct connector *connector)
{
    struct attempts *attempts = attempts_of(connector);

    attempts->local = connector->options.local;
    if (attempts->local.family == 0 && attempts->local.port != 0)
        attempts->local.family = attempts->each[0].address.family;
    start_next(connector);
}

static void on_limit_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct connector *connector = timer->data;
    struct attempts *attempts = attempts_of(connector);
    enum socket_call call = connector->lookup != NULL ? CALL_GETADDRINFO : CALL_CONNECT;

    (void)ev;
    (void)revents;
    for (size_t i = 0; attempts != NULL && i < attempts->started; i++) {
        if (attempts->each[i].error != 0)
            continue;
        attempts->failed = NULL; /* this is what it failed of in the end */
        attempts_note_failure(attempts, &attempts->each[i], -ETIMEDOUT, "connect");
    }
    socket_fail(connector->socket, -ETIMEDOUT, call);
}

/* --- Names --- */

static void use_addresses(struct connector *connector, const struct prong_address *addresses,
                          size_t count)
{
    struct prong_socket *socket = connector->socket;
    const struct prong_connect_options *options = &connector->options;
    bool only_first = !options->auto_select_family || options->family != AF_UNSPEC ||
                      options->local.family != 0 || options->local.port != 0;

    socket->rare->attempts = attempts_new(addresses, count, only_first);
    if (socket->rare->attempts == NULL)
        socket_fail(socket, -ENOMEM, CALL_CONNECT);
}

static void on_resolved(void *user, int error, const struct prong_address *addresses, size_t count)
{
    struct connector *connector = user;
    struct prong_socket *socket = connector->socket;

    connector->lookup = NULL;
    prong_socket_hold(socket);
    socket_touch(socket);
    if (error < 0)
        emit_lookup(socket, error, NULL);
    for (size_t i = 0; i < count && is_live(socket); i++)
        emit_lookup(socket, 0, &addresses[i]);
    if (is_live(socket) && error < 0)
        socket_fail(socket, error, CALL_GETADDRINFO);
    if (is_live(socket))
        use_addresses(connector, addresses, count);
    if (is_live(socket))
        race(connector);
    prong_socket_release(socket);
}

static int wanted_family(const struct prong_connect_options *options)
{
    if (options->family != AF_UNSPEC)
        return options->family;
    if (options->local.family != 0)
        return options->local.family;
    return lookup_configured_family();
}

static void look_up(struct connector *connector)
{
    struct prong_socket *socket = connector->socket;
    const struct prong_connect_options *options = &connector->options;

    connector->lookup = lookup_new(loop_of(socket), socket->rare->host, connector->port,
                                   wanted_family(options), on_resolved, connector);
    if (connector->lookup == NULL)
        socket_fail(socket, -ENOMEM, CALL_GETADDRINFO);
    else
        lookup_ask(connector->lookup, options->resolve, options->resolve_user);
}

/* --- Life --- */

struct connector *connector_new(struct prong_socket *socket, uint16_t port,
                                const struct prong_connect_options *options)
{
    struct connector *connector = calloc(1, sizeof(*connector));

    if (connector == NULL)
        return NULL;
    connector->socket = socket;
    connector->options = *options;
    connector->port = port;
    ev_init(&connector->stagger, on_stagger_over);
    connector->stagger.data = connector;
    ev_init(&connector->limit, on_limit_over);
    connector->limit.data = connector;
    return connector;
}

void connector_begin(struct connector *connector)
{
    struct prong_socket *socket = connector->socket;

    if (connector->begun)
        return;
    connector->begun = true;
    if (socket->rare->connect_timeout_ms > 0)
        start_timer(connector, &connector->limit, socket->rare->connect_timeout_ms);
    prong_socket_hold(socket);
    if (socket->rare->attempts != NULL)
        race(connector);
    else
        look_up(connector);
    prong_socket_release(socket);
}

bool connector_is_local(const struct connector *connector)
{
    const struct attempts *attempts = attempts_of(connector);

    return attempts != NULL && attempts->each[0].address.family == AF_UNIX;
}

void connector_free(struct connector *connector)
{
    struct racer *racer = connector != NULL ? connector->racers : NULL;

    if (connector == NULL)
        return;
    while (racer != NULL) {
        struct racer *next = racer->next;

        racer_discard(racer);
        racer = next;
    }
    lookup_cancel(connector->lookup);
    ev_timer_stop(ev_of(connector), &connector->stagger);
    ev_timer_stop(ev_of(connector), &connector->limit);
    free(connector);
}
