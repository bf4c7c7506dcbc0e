/* SPDX-License-Identifier: MIT
 *
 * Accepting: the only accept4().
 */
#include <prong/server.h>

#include "server_internal.h"
#include "socket_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections taken for one readiness: enough to be cheap, few enough to be fair. */
#define ACCEPT_BATCH 16

/* How long a server without descriptors or memory leaves the rest to wait in the kernel. */
#define BACK_OFF_S 0.1

/* --- Callbacks --- */

static void emit_listening(struct prong_server *server)
{
    server->due_listening = false;
    if (server->events->on_listening != NULL)
        server->events->on_listening(server);
}

static void emit_error(struct prong_server *server)
{
    struct prong_error_info failure = server->failure;

    server->failure.code = 0;
    if (server->events->on_error != NULL)
        server->events->on_error(server, &failure);
}

static void emit_close(struct prong_server *server)
{
    server->due_close = false;
    if (server->events->on_close != NULL)
        server->events->on_close(server);
}

static void emit_connection(struct prong_server *server, struct prong_socket *socket)
{
    if (server->events->on_connection != NULL)
        server->events->on_connection(server, socket);
}

static void emit_drop(struct prong_server *server, enum prong_drop_reason reason,
                      const struct prong_address *remote)
{
    struct prong_drop drop = {.reason = reason};

    server->counters.dropped++;
    if (server->events->on_drop == NULL)
        return;
    if (server->specific)
        drop.local = server->address;
    if (remote != NULL && remote->family != AF_UNIX)
        drop.remote = *remote;
    server->events->on_drop(server, &drop);
}

/* --- Events --- */

void server_defer(struct prong_server *server)
{
    if (server->deferred)
        return;
    server->deferred = true;
    ev_feed_event(server->loop->ev, &server->io, EV_CUSTOM);
}

void server_release(struct prong_server *server)
{
    if (--server->holds > 0)
        return;
    ev_clear_pending(server->loop->ev, &server->io);
    server->loop->objects--;
    free(server->host);
    free(server);
}

void server_stop_watcher(struct prong_server *server)
{
    struct ev_loop *ev = server->loop->ev;

    if (!ev_is_active(&server->io))
        return;
    if (server->unref)
        ev_ref(ev);
    ev_io_stop(ev, &server->io);
    if (server->deferred)
        ev_feed_event(ev, &server->io, EV_CUSTOM);
}

/* The entry in libev's set is not ours any more: back to libev's own way, which is always right. */
static void give_up_exclusive(struct prong_server *server)
{
    server->exclusive.is_on = false;
    if (!ev_is_active(&server->io))
        return;
    server_stop_watcher(server);
    ev_io_set(&server->io, server->io.fd, EV_READ);
}

static void update_exclusive(struct prong_server *server, bool wanted)
{
    int error = 0;

    if (wanted == server->exclusive.is_watched)
        return;
    error = wanted ? exclusive_watch(&server->exclusive) : exclusive_unwatch(&server->exclusive);
    if (error < 0)
        give_up_exclusive(server);
}

static bool wants_to_accept(const struct prong_server *server)
{
    return server->state == SERVER_LISTENING && !server->paused && !server->freed &&
           !ev_is_active(&server->back_off);
}

void server_update_watcher(struct prong_server *server)
{
    bool wanted = wants_to_accept(server);

    if (server->exclusive.is_on)
        update_exclusive(server, wanted);
    if (server->exclusive.is_on || wanted == (bool)ev_is_active(&server->io))
        return;
    if (!wanted) {
        server_stop_watcher(server);
        return;
    }
    ev_io_start(server->loop->ev, &server->io);
    if (server->unref)
        ev_unref(server->loop->ev);
}

int prong_server_set_exclusive(struct prong_server *server)
{
    if (server->state != SERVER_LISTENING)
        return -ENOTCONN;
    if (server->exclusive.is_on)
        return 0;
    if (!ev_is_active(&server->io))
        return -EAGAIN;
    return exclusive_start(&server->exclusive, server->loop, &server->io);
}

bool prong_server_is_exclusive(struct prong_server *server)
{
    if (server->exclusive.is_on && !exclusive_is_intact(&server->exclusive)) {
        give_up_exclusive(server);
        server_update_watcher(server);
    }
    return server->exclusive.is_on;
}

void prong_server_take(struct prong_server *server, unsigned count)
{
    if (server->state != SERVER_LISTENING || ev_is_active(&server->back_off))
        return;
    server->to_take = count;
    server_defer(server);
}

void server_stop_back_off(struct prong_server *server)
{
    if (!ev_is_active(&server->back_off))
        return;
    if (server->unref)
        ev_ref(server->loop->ev);
    ev_timer_stop(server->loop->ev, &server->back_off);
}

static void start_back_off(struct prong_server *server)
{
    server_stop_back_off(server);
    ev_timer_set(&server->back_off, BACK_OFF_S, 0.);
    ev_timer_start(server->loop->ev, &server->back_off);
    if (server->unref)
        ev_unref(server->loop->ev);
    server_update_watcher(server);
}

static void on_back_off_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct prong_server *server = timer->data;

    (void)revents;
    if (server->unref)
        ev_ref(ev);
    loop_reserve_fd(server->loop);
    server_update_watcher(server);
}

/* --- Accepting --- */

static int accept_one(struct prong_server *server, struct prong_address *remote)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    int fd =
        accept4(server->io.fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return -errno;
    prong_address_from_sockaddr(remote, (struct sockaddr *)&storage, length);
    if (remote->family == 0)
        remote->family = AF_UNIX;
    return fd;
}

/* The spare descriptor makes room to accept those who wait and to close them: they see an end and
 * not silence (R29).  Then we leave the kernel alone for a moment instead of spinning. */
static void shed(struct prong_server *server)
{
    struct prong_address remote;

    for (int i = 0; i < ACCEPT_BATCH && wants_to_accept(server); i++) {
        int fd;

        loop_release_fd(server->loop);
        fd = accept_one(server, &remote);
        if (fd >= 0)
            close(fd);
        loop_reserve_fd(server->loop);
        if (fd < 0)
            break;
        emit_drop(server, PRONG_DROP_DESCRIPTORS, &remote);
    }
}

/* What accept4() could not do.  True: try the next one. */
static bool handle_failure(struct prong_server *server, int error)
{
    switch (-error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        shed(server);
        if (!server->freed)
            start_back_off(server);
        return false;
    case ENOMEM:
    case ENOBUFS:
        start_back_off(server);
        return false;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        server->failure = (struct prong_error_info){.code = error, .syscall = "accept"};
        start_back_off(server);
        server_defer(server);
        return false;
    default:
        /* Linux hands accept() errors of the network that are pending on the new connection
         * (accept(2), "Error handling"): that one is gone, the next may be fine. */
        return true;
    }
}

static void set_addresses(struct prong_server *server, struct prong_socket *socket,
                          const struct prong_address *remote)
{
    struct prong_address local = server->address;

    if (remote->family == AF_UNIX)
        return;
    if (!server->specific)
        (void)handle_address(socket->io.fd, &local);
    endpoint_pack(&socket->local, &local);
    endpoint_pack(&socket->remote, remote);
}

static void admit(struct prong_server *server, int fd, const struct prong_address *remote)
{
    struct prong_socket *socket =
        socket_new(server->loop, &server->options.socket, server->options.socket_events,
                   server->options.socket_user);

    if (socket == NULL) {
        close(fd);
        emit_drop(server, PRONG_DROP_MEMORY, remote);
        return;
    }
    socket_open(socket, fd, (uint8_t)remote->family);
    set_addresses(server, socket, remote);
    socket->paused = server->options.pause_on_connect;
    socket_apply_options(socket);
    server_adopt(server, socket);
    server->counters.accepted++;
    socket_update_watchers(socket);
    emit_connection(server, socket);
}

static bool is_full(const struct prong_server *server)
{
    return server->options.max_connections >= 0 &&
           server->connections >= (uint64_t)server->options.max_connections;
}

/* True: there may be more. */
static bool accept_next(struct prong_server *server)
{
    struct prong_address remote;
    int fd = accept_one(server, &remote);

    if (fd < 0)
        return handle_failure(server, fd);
    if (is_full(server)) {
        close(fd);
        emit_drop(server, PRONG_DROP_MAX_CONNECTIONS, &remote);
    } else {
        admit(server, fd, &remote);
    }
    return true;
}

/* What prong_server_take() asked for. */
static void take(struct prong_server *server)
{
    while (server->to_take > 0 && server->state == SERVER_LISTENING && !server->freed) {
        server->to_take--;
        if (!accept_next(server))
            server->to_take = 0;
    }
}

static void settle(struct prong_server *server)
{
    if (server->due_listening && !server->freed)
        emit_listening(server);
    if (server->failure.code != 0 && !server->freed)
        emit_error(server);
    if (server->due_close && !server->freed)
        emit_close(server);
}

static void on_event(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct prong_server *server = io->data;

    (void)ev;
    server->holds++;
    if (revents & EV_CUSTOM) {
        server->deferred = false;
        settle(server);
        take(server);
    }
    if (revents & EV_READ) {
        for (int i = 0; i < ACCEPT_BATCH && wants_to_accept(server); i++) {
            if (!accept_next(server))
                break;
        }
    }
    server_release(server);
}

void server_init_watchers(struct prong_server *server)
{
    ev_init(&server->io, on_event);
    server->io.fd = -1;
    server->io.data = server;
    /* libev calls the highest priority first: a long callback in the same turn must not delay an
     * accept whose wake-up is already spent. */
    ev_set_priority(&server->io, EV_MAXPRI);
    ev_init(&server->back_off, on_back_off_over);
    server->back_off.data = server;
}

/* --- Connections --- */

void prong_server_each_connection(struct prong_server *server,
                                  bool (*visit)(struct prong_socket *socket, void *user),
                                  void *user)
{
    struct prong_socket *outer = server->visited;

    for (struct prong_socket *socket = server->first; socket != NULL; socket = server->visited) {
        server->visited = socket->next;
        if (socket->state < PRONG_SOCKET_CLOSING && !visit(socket, user))
            break;
    }
    server->visited = outer;
}

static bool destroy_one(struct prong_socket *socket, void *user)
{
    (void)user;
    prong_socket_destroy(socket, 0);
    return true;
}

void prong_server_close_all(struct prong_server *server)
{
    prong_server_each_connection(server, destroy_one, NULL);
}

void server_adopt(struct prong_server *server, struct prong_socket *socket)
{
    socket->server = server;
    socket->next = server->first;
    if (server->first != NULL)
        server->first->previous = socket;
    server->first = socket;
    server->connections++;
}

void server_discount(struct prong_server *server, bool closed)
{
    assert(server->connections > 0);
    server->connections--;
    if (closed)
        server->counters.closed++;
    server_close_when_empty(server);
}

void server_forget(struct prong_server *server, struct prong_socket *socket, bool closed)
{
    if (server->visited == socket)
        server->visited = socket->next;
    if (socket->previous != NULL)
        socket->previous->next = socket->next;
    else
        server->first = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    socket->previous = socket->next = NULL;
    if (closed && server->events->on_connection_close != NULL)
        server->events->on_connection_close(server, socket);
    socket->server = NULL;
}

void server_close_when_empty(struct prong_server *server)
{
    if (!server->closing || server->state != SERVER_IDLE || server->connections > 0)
        return;
    server->closing = false;
    server->due_close = true;
    server_defer(server);
}
