/* SPDX-License-Identifier: MIT
 *
 * Servers: their life, listening and closing.
 */
#include <prong/server.h>

#include "handle.h"
#include "lookup.h"
#include "server_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Which moves are allowed: a bit for each next state. */
static const unsigned char moves[] = {
    [SERVER_IDLE] = 1 << SERVER_RESOLVING | 1 << SERVER_LISTENING | 1 << SERVER_FAILED,
    [SERVER_RESOLVING] = 1 << SERVER_LISTENING | 1 << SERVER_FAILED | 1 << SERVER_IDLE,
    [SERVER_LISTENING] = 1 << SERVER_IDLE,
    [SERVER_FAILED] = 1 << SERVER_IDLE,
};

void server_enter(struct prong_server *server, enum server_state state)
{
    assert(moves[server->state] & 1U << state);
    server->state = state;
}

/* --- Listening --- */

static void fail(struct prong_server *server, int code, const char *syscall,
                 const struct prong_address *address)
{
    server_enter(server, SERVER_FAILED);
    server->failure = (struct prong_error_info){.code = code, .syscall = syscall};
    if (address != NULL)
        server->failure.address = *address;
    server_defer(server);
}

/* Every address, of either family or of IPv4 in IPv6's notation. */
static bool is_wildcard(const struct prong_address *address)
{
    static const uint8_t any[16];

    return memcmp(address->ip, any, sizeof(any)) == 0 ||
           (prong_address_is_mapped(address) && memcmp(address->ip + 12, any, 4) == 0);
}

/* From here on the handle is the server's. */
static void start_listening(struct prong_server *server, int fd)
{
    server_enter(server, SERVER_LISTENING);
    if (prong_address_from_fd(&server->address, fd) < 0)
        server->address = (struct prong_address){0};
    server->is_specific = !is_wildcard(&server->address);
    ev_io_set(&server->io, fd, EV_READ);
    server->due_listening = true;
    /* A close that nobody was told of yet is owed until the server is closed again (R36). */
    server->closing = server->closing || server->due_close;
    server->due_close = false;
    server_update_watcher(server);
    server_defer(server);
}

static void open_handle(struct prong_server *server, const struct prong_address *address)
{
    int fd = prong_listen_open(address, &server->listen_options);

    if (fd < 0) {
        fail(server, fd, "listen", address);
        return;
    }
    start_listening(server, fd);
    if (!server->listen_options.keep_file)
        handle_file_note(&server->file, &server->address);
}

/* Every address: IPv6 which takes IPv4 along, or IPv4 where there is no IPv6 (R2). */
static void open_any(struct prong_server *server, uint16_t port)
{
    struct prong_address address = {.family = AF_INET6, .port = port};
    int fd = prong_listen_open(&address, &server->listen_options);

    if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && !server->listen_options.ipv6_only) {
        address.family = AF_INET;
        fd = prong_listen_open(&address, &server->listen_options);
    }
    if (fd < 0)
        fail(server, fd, "listen", &address);
    else
        start_listening(server, fd);
}

static bool is_link_local(const struct prong_address *address)
{
    return address->family == AF_INET6 && address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

static void on_resolved(void *user, int error, const struct prong_address *addresses, size_t count)
{
    struct prong_server *server = user;
    size_t choice = 0;

    server->lookup = NULL;
    if (error < 0) {
        fail(server, error, "getaddrinfo", NULL);
        server->failure.host = server->host;
        return;
    }
    free(server->host);
    server->host = NULL;
    /* Only one address is bound, preferably one that works without a zone (R4). */
    while (choice + 1 < count && is_link_local(&addresses[choice]))
        choice++;
    open_handle(server, &addresses[is_link_local(&addresses[choice]) ? 0 : choice]);
}

static int resolve(struct prong_server *server, const char *host, uint16_t port)
{
    const struct prong_listen_options *options = &server->listen_options;

    server->host = strdup(host);
    if (server->host == NULL)
        return -ENOMEM;
    server->lookup = lookup_new(server->loop, host, port, options->family, on_resolved, server);
    if (server->lookup == NULL) {
        free(server->host);
        server->host = NULL;
        return -ENOMEM;
    }
    server_enter(server, SERVER_RESOLVING);
    lookup_ask_later(server->lookup, options->resolve, options->resolve_user);
    return 0;
}

static void take_listen_options(struct prong_server *server,
                                const struct prong_listen_options *options)
{
    if (options != NULL)
        server->listen_options = *options;
    else
        prong_listen_options_init(&server->listen_options);
}

int prong_server_listen(struct prong_server *server, const char *host, uint16_t port,
                        const struct prong_listen_options *options)
{
    struct prong_address address;
    int error;

    if (server->state != SERVER_IDLE)
        return -EALREADY;
    take_listen_options(server, options);
    if (host == NULL || *host == '\0') {
        open_any(server, port);
        return 0;
    }
    if (prong_is_ip(host) == 0)
        return resolve(server, host, port);
    error = prong_address_from_ip(&address, host, port);
    if (error == 0)
        open_handle(server, &address);
    return error;
}

int prong_server_listen_address(struct prong_server *server, const struct prong_address *address,
                                const struct prong_listen_options *options)
{
    int error = server->state != SERVER_IDLE ? -EALREADY : handle_check(address, options);

    if (error < 0)
        return error;
    take_listen_options(server, options);
    open_handle(server, address);
    return 0;
}

/* Two watchers of one descriptor would take connections from each other, and close it twice. */
static bool is_taken(const struct prong_loop *loop, int fd)
{
    const struct prong_server *server = loop->servers;

    while (server != NULL && (server->state != SERVER_LISTENING || server->io.fd != fd))
        server = server->next;
    return server != NULL;
}

int prong_server_listen_fd(struct prong_server *server, int fd, int backlog)
{
    int error;

    if (is_taken(server->loop, fd))
        return -EEXIST;
    error = server->state != SERVER_IDLE ? -EALREADY : handle_adopt(fd, backlog);
    if (error < 0) {
        if (fd >= 0)
            close(fd);
        return error;
    }
    start_listening(server, fd);
    return 0;
}

/* --- Closing --- */

static void stop_listening(struct prong_server *server)
{
    lookup_cancel(server->lookup);
    server->lookup = NULL;
    free(server->host);
    server->host = NULL;
    if (server->state != SERVER_IDLE)
        server_enter(server, SERVER_IDLE);
    server_stop_watching(server);
    if (server->io.fd >= 0) {
        handle_file_unlink(&server->file);
        /* Others may share the handle: without this the kernel would go on waking us for it. */
        loop_forget_fd(server->loop, server->io.fd);
        close(server->io.fd);
        server->io.fd = -1;
    }
    server->to_take = 0;
    server->due_listening = false;
    server->failure.code = 0;
}

int prong_server_close(struct prong_server *server)
{
    if (server->state == SERVER_IDLE || server->state == SERVER_FAILED)
        return -ENOTCONN;
    stop_listening(server);
    server->closing = true;
    server_close_when_empty(server);
    return 0;
}

void server_close_when_empty(struct prong_server *server)
{
    if (!server->closing || server->state != SERVER_IDLE || server->connections > 0)
        return;
    server->closing = false;
    server->due_close = true;
    server_defer(server);
}

/* --- Life --- */

static void link_to_loop(struct prong_server *server)
{
    server->next = server->loop->servers;
    server->loop->servers = server;
    server->loop->objects++;
}

static void unlink_from_loop(struct prong_server *server)
{
    struct prong_server **link = &server->loop->servers;

    while (*link != server)
        link = &(*link)->next;
    *link = server->next;
    server->loop->objects--;
}

void server_release(struct prong_server *server)
{
    if (--server->holds > 0)
        return;
    ev_clear_pending(server->loop->ev, &server->io);
    unlink_from_loop(server);
    free(server);
}

void prong_server_free(struct prong_server *server)
{
    if (server == NULL)
        return;
    stop_listening(server);
    server_abandon_all(server);
    server->freed = true;
    server_release(server);
}

void prong_server_options_init(struct prong_server_options *options)
{
    *options = (struct prong_server_options){.max_connections = -1};
    prong_socket_options_init(&options->socket);
}

struct prong_server *prong_server_new(struct prong_loop *loop,
                                      const struct prong_server_options *options,
                                      const struct prong_server_events *events, void *user)
{
    static const struct prong_server_events no_events;
    struct prong_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    if (options != NULL)
        server->options = *options;
    else
        prong_server_options_init(&server->options);
    server->loop = loop;
    server->events = events != NULL ? events : &no_events;
    server->user = user;
    server->holds = 1;
    server_init_watchers(server);
    link_to_loop(server);
    return server;
}

/* --- Questions --- */

bool prong_server_is_listening(const struct prong_server *server)
{
    return server->state == SERVER_LISTENING;
}

int prong_server_address(const struct prong_server *server, struct prong_address *address)
{
    if (server->state != SERVER_LISTENING)
        return -ENOTCONN;
    *address = server->address;
    return 0;
}

void prong_server_set_max_connections(struct prong_server *server, int64_t limit)
{
    server->options.max_connections = limit;
}

int64_t prong_server_max_connections(const struct prong_server *server)
{
    return server->options.max_connections;
}

const struct prong_server_counters *prong_server_counters(const struct prong_server *server)
{
    return &server->counters;
}

void *prong_server_user(const struct prong_server *server)
{
    return server->user;
}

struct prong_loop *prong_server_loop(const struct prong_server *server)
{
    return server->loop;
}

int prong_server_fd(const struct prong_server *server)
{
    return server->io.fd;
}
