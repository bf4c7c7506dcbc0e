/* SPDX-License-Identifier: MIT
 *
 * Opening, sharing and closing the listening handles.
 */
#include "listeners.h"

#include <assert.h>
#include <errno.h>
#include <prong/server.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "privileges.h"
#include "reuseport.h"
#include "store.h"
#include "systemd.h"

struct listeners {
    struct listener *first;
    bool keeps;
};

struct listeners *listeners_new(void)
{
    struct listeners *listeners = calloc(1, sizeof(*listeners));

    if (listeners != NULL)
        listeners->keeps = true;
    return listeners;
}

/* --- Which handle is meant --- */

static bool is_any_port(const struct prong_address *address)
{
    return address->family != AF_UNIX && address->port == 0;
}

unsigned listeners_ordinal(const struct config_server *server, size_t index)
{
    const struct prong_address *address = &server->addresses[index].address;
    unsigned count = 0;

    for (size_t i = 0; i < index; i++)
        count += prong_address_equal(&server->addresses[i].address, address) ? 1 : 0;
    return count;
}

/* The `nth` with the name that systemd:NAME says. */
static struct listener *find_given(const struct listeners *listeners, const char *name,
                                   unsigned nth)
{
    struct listener *listener;

    for (listener = listeners->first; listener != NULL; listener = listener->next) {
        if (listener->given != NULL && strcmp(listener->given, name) == 0 && nth-- == 0)
            return listener;
    }
    return NULL;
}

static struct listener *find_opened(const struct listeners *listeners,
                                    const struct config_server *server, size_t index, unsigned nth)
{
    const struct prong_address *wanted = &server->addresses[index].address;
    struct listener *listener;

    for (listener = listeners->first; listener != NULL; listener = listener->next) {
        if (listener->given != NULL || listener->nth != nth ||
            !prong_address_equal(&listener->wanted, wanted))
            continue;
        if (!is_any_port(wanted))
            return listener;
        if (strcmp(listener->server, server->name) == 0 &&
            listener->ordinal == listeners_ordinal(server, index))
            return listener;
    }
    return NULL;
}

struct listener *listeners_find(const struct listeners *listeners,
                                const struct config_server *server, size_t index, unsigned nth)
{
    const char *given = server->addresses[index].given;

    if (given != NULL)
        return find_given(listeners, given, nth);
    return find_opened(listeners, server, index, nth);
}

static void append(struct listeners *listeners, struct listener *listener)
{
    struct listener **end = &listeners->first;

    while (*end != NULL)
        end = &(*end)->next;
    *end = listener;
}

/* --- Opening --- */

int listeners_find_owner(const struct config_server *server, uid_t *owner, gid_t *group,
                         char *problem, size_t size)
{
    struct privileges identity;
    char reason[256];

    *owner = (uid_t)-1;
    *group = (gid_t)-1;
    if (server->socket_owner != NULL) {
        if (privileges_find(&identity, server->socket_owner, NULL, reason, sizeof(reason)) < 0) {
            snprintf(problem, size, "socket_owner: %s", reason);
            return -ENOENT;
        }
        *owner = identity.uid;
    }
    if (server->socket_group != NULL) {
        if (privileges_find(&identity, "0", server->socket_group, reason, sizeof(reason)) < 0) {
            snprintf(problem, size, "socket_group: %s", reason);
            return -ENOENT;
        }
        *group = identity.gid;
    }
    return 0;
}

/* "*:80" is every address, IPv6 and IPv4; where there is no IPv6, every IPv4 address. */
static int open_any(const struct prong_address *wanted, const struct prong_listen_options *options)
{
    struct prong_address address;
    int fd = prong_address_from_ip(&address, "::", wanted->port);

    if (fd == 0)
        fd = prong_listen_open(&address, options);
    if ((fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL) || options->ipv6_only)
        return fd;
    fd = prong_address_from_ip(&address, "0.0.0.0", wanted->port);
    return fd < 0 ? fd : prong_listen_open(&address, options);
}

static const char *describe(const struct config_listen *listen, char *text, size_t size)
{
    if (listen->any_host)
        snprintf(text, size, "*:%u", listen->address.port);
    else
        prong_address_format(&listen->address, text, size);
    return text;
}

static int open_once(const struct config_listen *listen, const struct prong_listen_options *options)
{
    if (listen->any_host)
        return open_any(&listen->address, options);
    return prong_listen_open(&listen->address, options);
}

/* It may be in use by the store still, which was told to drop it. */
static int open_first(const struct config_listen *listen,
                      const struct prong_listen_options *options)
{
    int fd = open_once(listen, options);

    if (fd != -EADDRINUSE || !systemd_sync_drops())
        return fd;
    return open_once(listen, options);
}

static int open_handle(const struct listeners *listeners, const struct config_server *server,
                       size_t index, const struct prong_listen_options *options)
{
    const struct listener *first = listeners_find(listeners, server, index, 0);

    if (first == NULL)
        return open_first(&server->addresses[index], options);
    return reuseport_join(first->fd, listeners_find(listeners, server, index, 1) == NULL, options);
}

static int set_options(struct prong_listen_options *options, const struct config_server *server,
                       char *problem, size_t size)
{
    prong_listen_options_init(options);
    options->backlog = (int)server->backlog;
    options->ipv6_only = server->ipv6_only;
    options->mode = (unsigned)server->socket_mode;
    options->take_over = true;
    return listeners_find_owner(server, &options->owner, &options->group, problem, size);
}

/* What the kernel made of it: the port, and the identity of a unix socket's file. */
static int look_up(struct listener *listener)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);

    if (getsockname(listener->fd, (struct sockaddr *)&storage, &length) < 0)
        return -errno;
    prong_address_from_sockaddr(&listener->address, (struct sockaddr *)&storage, length);
    return socket_file_note(&listener->file, &listener->address);
}

static void close_listener(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener->server);
    free(listener->given);
    free(listener->stored);
    free(listener);
}

/* Takes `fd` in every case. */
static struct listener *new_listener(int fd, const struct listener_origin *origin)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int error;

    if (listener == NULL) {
        close(fd);
        return NULL;
    }
    listener->fd = fd;
    listener->wanted = *origin->wanted;
    listener->server = strdup(origin->server);
    listener->ordinal = origin->ordinal;
    listener->nth = origin->nth;
    listener->state = origin->state;
    listener->since = clock_s();
    error = listener->server == NULL ? -ENOMEM : look_up(listener);
    if (error < 0) {
        close_listener(listener);
        errno = -error;
        return NULL;
    }
    return listener;
}

static struct listener *open_listener(struct listeners *listeners,
                                      const struct config_server *server, size_t index,
                                      unsigned nth, char *problem, size_t size)
{
    const struct config_listen *listen = &server->addresses[index];
    struct listener_origin origin = {.wanted = &listen->address,
                                     .server = server->name,
                                     .ordinal = listeners_ordinal(server, index),
                                     .nth = nth};
    char text[PRONG_ADDRESS_TEXT_SIZE];
    struct prong_listen_options options;
    struct listener *listener = NULL;
    int fd;

    if (set_options(&options, server, problem, size) < 0)
        return NULL;
    fd = open_handle(listeners, server, index, &options);
    if (fd >= 0) {
        listener = new_listener(fd, &origin);
        fd = -errno;
    }
    if (listener == NULL) {
        snprintf(problem, size, "listen: %s: %s", describe(listen, text, sizeof(text)),
                 prong_error_text(fd));
        return NULL;
    }
    listener->stored = store_put(listener, is_any_port(&listen->address));
    append(listeners, listener);
    return listener;
}

/* --- Handles from elsewhere --- */

int listeners_adopt(struct listeners *listeners, int fd, const struct listener_origin *origin)
{
    struct listener *listener = new_listener(fd, origin);

    if (listener == NULL)
        return -errno;
    if (origin->stored != NULL)
        listener->stored = strdup(origin->stored);
    append(listeners, listener);
    return 0;
}

int listeners_adopt_given(struct listeners *listeners, int fd, const char *name)
{
    static const struct prong_address none;
    static const struct listener_origin origin = {
        .wanted = &none, .server = "", .state = LISTENER_SERVING};
    struct listener *listener = new_listener(fd, &origin);

    if (listener == NULL)
        return -errno;
    listener->given = strdup(name);
    if (listener->given == NULL) {
        close_listener(listener);
        return -ENOMEM;
    }
    listener->file = (struct socket_file){0}; /* not ours to unlink */
    listener->references = 1;                 /* ours, for good */
    append(listeners, listener);
    return 0;
}

struct listener *listeners_take_fd(struct listeners *listeners, int fd)
{
    struct listener *listener = listeners->first;

    while (listener != NULL && listener->fd != fd)
        listener = listener->next;
    if (listener != NULL)
        listener->references++;
    return listener;
}

struct listener *listeners_next(const struct listeners *listeners, const struct listener *listener)
{
    return listener == NULL ? listeners->first : listener->next;
}

/* --- The interface --- */

bool listener_can_be_multiplied(const struct listener *listener)
{
    return listener->given == NULL && listener->address.family != AF_UNIX;
}

bool listeners_is_multiplied(const struct config_server *server, size_t index)
{
    const struct config_listen *listen = &server->addresses[index];

    return server->accept == CONFIG_ACCEPT_REUSEPORT && listen->given == NULL &&
           listen->address.family != AF_UNIX;
}

unsigned listeners_count(const struct listeners *listeners, const struct config_server *server,
                         size_t index, unsigned workers)
{
    unsigned count = 0, least = listeners_is_multiplied(server, index) ? workers : 1;

    while (listeners_find(listeners, server, index, count) != NULL)
        count++;
    return count > least ? count : least;
}

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [LISTENER_NEW] = TO(LISTENER_SERVING) | TO(LISTENER_RETIRED),
    [LISTENER_SERVING] = TO(LISTENER_RETIRED),
    [LISTENER_RETIRED] = TO(LISTENER_SERVING) | TO(LISTENER_CLOSING),
    [LISTENER_CLOSING] = TO(LISTENER_SERVING) | TO(LISTENER_RETIRED),
};

void listener_enter(struct listener *listener, enum listener_state state)
{
    assert((allowed[listener->state] & TO(state)) != 0);
    listener->state = state;
    listener->since = clock_s();
}

struct listener *listeners_take(struct listeners *listeners, const struct config_server *server,
                                size_t index, unsigned nth, char *problem, size_t size)
{
    const char *given = server->addresses[index].given;
    struct listener *listener = listeners_find(listeners, server, index, nth);

    if (listener == NULL && given != NULL) {
        snprintf(problem, size, "listen: systemd gave no socket of the name \"%s\"", given);
        return NULL;
    }
    if (listener == NULL)
        listener = open_listener(listeners, server, index, nth, problem, size);
    if (listener != NULL)
        listener->references++;
    return listener;
}

void listeners_keep(struct listeners *listeners, bool keeps)
{
    listeners->keeps = keeps;
}

/* For good, unless the next master is to have it.  Where clients are led to none of the handle any
 * more, a process that still holds it keeps no place in the kernel's array. */
static void give_up(struct listeners *listeners, struct listener *listener)
{
    if (listener->stored != NULL && listeners->keeps)
        return;
    if (listener->nth > 0 &&
        (listener->state == LISTENER_NEW || listener->state == LISTENER_CLOSING))
        reuseport_leave(listener->fd);
    socket_file_remove(&listener->file, &listener->address);
    if (listener->stored != NULL)
        systemd_drop(listener->stored);
}

void listeners_release(struct listeners *listeners, struct listener *listener)
{
    struct listener **at = &listeners->first;

    assert(listener->references > 0);
    if (--listener->references > 0)
        return;
    while (*at != listener)
        at = &(*at)->next;
    *at = listener->next;
    give_up(listeners, listener);
    close_listener(listener);
}

void listeners_free(struct listeners *listeners)
{
    struct listener *next;

    if (listeners == NULL)
        return;
    for (struct listener *listener = listeners->first; listener != NULL; listener = next) {
        next = listener->next;
        close_listener(listener);
    }
    free(listeners);
}
