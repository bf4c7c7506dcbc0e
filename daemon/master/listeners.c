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

#include "config.h"
#include "log.h"
#include "privileges.h"
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
                                    const struct config_server *server, size_t index)
{
    const struct prong_address *wanted = &server->addresses[index].address;
    struct listener *listener;

    for (listener = listeners->first; listener != NULL; listener = listener->next) {
        if (listener->given != NULL || !prong_address_equal(&listener->wanted, wanted))
            continue;
        if (!is_any_port(wanted))
            return listener;
        if (strcmp(listener->server, server->name) == 0 &&
            listener->ordinal == listeners_ordinal(server, index))
            return listener;
    }
    return NULL;
}

static struct listener *find(const struct listeners *listeners, const struct config_server *server,
                             size_t index, unsigned nth)
{
    const char *given = server->addresses[index].given;

    if (given != NULL)
        return find_given(listeners, given, nth);
    return find_opened(listeners, server, index);
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

static int open_once(const struct config_server *server, const struct config_listen *listen,
                     uid_t owner, gid_t group)
{
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.backlog = (int)server->backlog;
    options.ipv6_only = server->ipv6_only;
    options.mode = (unsigned)server->socket_mode;
    options.owner = owner;
    options.group = group;
    options.take_over = true;
    if (listen->any_host)
        return open_any(&listen->address, &options);
    return prong_listen_open(&listen->address, &options);
}

/* It may be in use by the store still, which was told to drop it. */
static int open_handle(const struct config_server *server, const struct config_listen *listen,
                       uid_t owner, gid_t group)
{
    int fd = open_once(server, listen, owner, group);

    if (fd != -EADDRINUSE || !systemd_sync_drops())
        return fd;
    return open_once(server, listen, owner, group);
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
static struct listener *new_listener(int fd, const struct prong_address *wanted, const char *server,
                                     unsigned ordinal)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int error;

    if (listener == NULL) {
        close(fd);
        return NULL;
    }
    listener->fd = fd;
    listener->wanted = *wanted;
    listener->server = strdup(server);
    listener->ordinal = ordinal;
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
                                      char *problem, size_t size)
{
    const struct config_listen *listen = &server->addresses[index];
    char text[PRONG_ADDRESS_TEXT_SIZE];
    struct listener *listener = NULL;
    uid_t owner;
    gid_t group;
    int fd;

    if (listeners_find_owner(server, &owner, &group, problem, size) < 0)
        return NULL;
    fd = open_handle(server, listen, owner, group);
    if (fd >= 0) {
        listener =
            new_listener(fd, &listen->address, server->name, listeners_ordinal(server, index));
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

int listeners_adopt(struct listeners *listeners, int fd, const struct prong_address *wanted,
                    const char *server, unsigned ordinal, const char *stored)
{
    struct listener *listener = new_listener(fd, wanted, server, ordinal);

    if (listener == NULL)
        return -errno;
    if (stored != NULL)
        listener->stored = strdup(stored);
    append(listeners, listener);
    return 0;
}

int listeners_adopt_given(struct listeners *listeners, int fd, const char *name)
{
    static const struct prong_address none;
    struct listener *listener = new_listener(fd, &none, "", 0);

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

const struct listener *listeners_next(const struct listeners *listeners,
                                      const struct listener *listener)
{
    return listener == NULL ? listeners->first : listener->next;
}

/* --- The interface --- */

bool listeners_is_open(const struct listeners *listeners, const struct config_server *server,
                       size_t index)
{
    return find(listeners, server, index, 0) != NULL;
}

unsigned listeners_count(const struct listeners *listeners, const struct config_server *server,
                         size_t index)
{
    unsigned count = 0;

    if (server->addresses[index].given == NULL)
        return 1;
    while (find(listeners, server, index, count) != NULL)
        count++;
    return count > 0 ? count : 1;
}

struct listener *listeners_take(struct listeners *listeners, const struct config_server *server,
                                size_t index, unsigned nth, char *problem, size_t size)
{
    const char *given = server->addresses[index].given;
    struct listener *listener = find(listeners, server, index, nth);

    if (listener == NULL && given != NULL) {
        snprintf(problem, size, "listen: systemd gave no socket of the name \"%s\"", given);
        return NULL;
    }
    if (listener == NULL)
        listener = open_listener(listeners, server, index, problem, size);
    if (listener != NULL)
        listener->references++;
    return listener;
}

void listeners_keep(struct listeners *listeners, bool keeps)
{
    listeners->keeps = keeps;
}

/* For good, unless the next master is to have it. */
static void give_up(struct listeners *listeners, struct listener *listener)
{
    if (listener->stored != NULL && listeners->keeps)
        return;
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
