/* SPDX-License-Identifier: MIT
 *
 * Accepting: the only accept4(), and the places that call the server's user.
 */
#include <prong/server.h>

#include "server_internal.h"
#include "socket_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections taken for one readiness: enough to be cheap, few enough to be fair (R24). */
#define ACCEPT_BATCH 16

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
    char *host = server->host; /* the callback may listen again, with another one (R6) */

    server->host = NULL;
    server->failure.code = 0;
    if (server->state == SERVER_FAILED)
        server_enter(server, SERVER_IDLE);
    if (server->events->on_error != NULL)
        server->events->on_error(server, &failure);
    free(host);
    server_close_when_empty(server);
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

static void emit_drop(struct prong_server *server, const struct prong_drop *drop)
{
    server->counters.dropped++;
    if (server->events->on_drop != NULL)
        server->events->on_drop(server, drop);
}

/* --- Events --- */

void server_defer(struct prong_server *server)
{
    if (server->deferred)
        return;
    server->deferred = true;
    ev_feed_event(server->loop->ev, &server->io, EV_CUSTOM);
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

/* --- Accepting --- */

static int accept_one(struct prong_server *server, struct prong_address *remote)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    int fd =
        accept4(server->io.fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    remote->family = 0;
    if (fd < 0)
        return -errno;
    prong_address_from_sockaddr(remote, (struct sockaddr *)&storage, length);
    if (remote->family == 0)
        remote->family = AF_UNIX;
    return fd;
}

/* The address that the peer connected to. */
static struct prong_address local_of(const struct prong_server *server, int fd)
{
    struct prong_address local = server->address;

    if (!server->is_specific)
        (void)!prong_address_from_fd(&local, fd);
    return local;
}

/* Closes what was accepted; a unix peer has no addresses to tell (R27). */
static struct prong_drop turn_away(const struct prong_server *server, int fd,
                                   enum prong_drop_reason reason,
                                   const struct prong_address *remote)
{
    struct prong_drop drop = {.reason = reason};

    if (remote->family != AF_UNIX) {
        drop.remote = *remote;
        drop.local = local_of(server, fd);
    }
    close(fd);
    return drop;
}

/* The spare descriptor makes room to accept those who wait and to close them: they see an end and
 * not silence (R29).  False when it did not even help one. */
static bool shed(struct prong_server *server)
{
    int count = 0;

    while (count < ACCEPT_BATCH && server_wants_to_accept(server)) {
        struct prong_address remote;
        struct prong_drop drop;
        int fd;

        loop_release_fd(server->loop);
        fd = accept_one(server, &remote);
        if (fd >= 0)
            drop = turn_away(server, fd, PRONG_DROP_DESCRIPTORS, &remote);
        loop_reserve_fd(server->loop);
        if (fd < 0)
            break;
        count++;
        emit_drop(server, &drop);
    }
    return count > 0;
}

/* What accept4() could not do.  True: try the next one.
 *
 * When something is used up we leave the kernel alone for a moment instead of spinning. */
static bool handle_failure(struct prong_server *server, int error)
{
    switch (-error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        if (shed(server))
            break;
        /* fall through */
    case ENOMEM:
    case ENOBUFS:
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        server->failure = (struct prong_error_info){
            .code = error, .syscall = "accept", .address = server->address};
        server_defer(server);
        break;
    default:
        /* Linux hands accept() errors of the network that are pending on the new connection
         * (accept(2), "Error handling"): that one is gone, the next may be fine. */
        return true;
    }
    server_back_off(server);
    return false;
}

static void set_addresses(const struct prong_server *server, struct prong_socket *socket,
                          const struct prong_address *remote)
{
    struct prong_address local;

    if (remote->family == AF_UNIX)
        return;
    local = local_of(server, socket->io.fd);
    endpoint_pack(&socket->local, &local);
    endpoint_pack(&socket->remote, remote);
}

static void admit(struct prong_server *server, int fd, const struct prong_address *remote)
{
    struct prong_socket *socket =
        socket_new(server->loop, &server->options.socket, server->options.socket_events,
                   server->options.socket_user);

    if (socket == NULL) {
        struct prong_drop drop = turn_away(server, fd, PRONG_DROP_MEMORY, remote);

        emit_drop(server, &drop);
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

static bool is_blocked(const struct prong_server *server, const struct prong_address *remote)
{
    const struct prong_block_list *list = server->options.block_list;

    return list != NULL && prong_block_list_check(list, remote);
}

static bool is_full(const struct prong_server *server)
{
    return server->options.max_connections >= 0 &&
           server->connections >= (uint64_t)server->options.max_connections;
}

static bool may_accept(struct prong_server *server)
{
    return server->events->may_accept == NULL || server->events->may_accept(server);
}

/* True: there may be more. */
static bool accept_next(struct prong_server *server)
{
    struct prong_address remote;
    int fd;

    if (!may_accept(server))
        return false;
    fd = accept_one(server, &remote);
    if (fd < 0)
        return handle_failure(server, fd);
    if (is_blocked(server, &remote)) {
        close(fd);
        server->counters.blocked++;
    } else if (is_full(server)) {
        struct prong_drop drop = turn_away(server, fd, PRONG_DROP_MAX_CONNECTIONS, &remote);

        emit_drop(server, &drop);
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

void prong_server_take(struct prong_server *server, unsigned count)
{
    if (server->state != SERVER_LISTENING || ev_is_active(&server->back_off))
        return;
    server->to_take = count;
    server_defer(server);
}

void server_on_event(struct ev_loop *ev, struct ev_io *io, int revents)
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
        for (int i = 0; i < ACCEPT_BATCH && server_wants_to_accept(server); i++) {
            if (!accept_next(server))
                break;
        }
    }
    server_release(server);
}
