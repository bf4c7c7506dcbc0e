/* SPDX-License-Identifier: MIT
 *
 * Naming handles in the store, and recognising them.
 */
#include "store.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <prong/address.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "listeners.h"
#include "socket_file.h"
#include "systemd.h"

#define PREFIX "prongd/"

/* What a name says. */
struct key {
    char server[64];
    unsigned ordinal; /* 0: no port 0 */
    uintmax_t device, inode;
    unsigned nth;
};

char *store_put(const struct listener *listener, bool any_port)
{
    char *name = NULL, nth[16] = "";
    struct stat status;

    if (!systemd_listens() || fstat(listener->fd, &status) < 0)
        return NULL;
    if (listener->nth > 0)
        snprintf(nth, sizeof(nth), "/%u", listener->nth);
    if (asprintf(&name, PREFIX "%s/%u/%ju/%ju/%ju%s", listener->server,
                 any_port ? listener->ordinal + 1 : 0, (uintmax_t)status.st_ino,
                 (uintmax_t)listener->file.device, (uintmax_t)listener->file.inode, nth) < 0)
        return NULL;
    if (systemd_store(listener->fd, name) == 0)
        return name;
    free(name);
    return NULL;
}

bool store_has_name(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* A number, and the slash behind it, which the last one has not. */
static bool read_number(const char **at, uintmax_t *number)
{
    char *stop;

    if (!isdigit((unsigned char)**at))
        return false;
    *number = strtoumax(*at, &stop, 10);
    if (*stop != '/' && *stop != '\0')
        return false;
    *at = *stop == '/' ? stop + 1 : stop;
    return true;
}

static bool read_name(struct key *key, const char *name)
{
    const char *at = name + strlen(PREFIX);
    size_t length = strcspn(at, "/");
    uintmax_t ordinal, socket, nth = 0;

    if (!store_has_name(name) || length >= sizeof(key->server) || at[length] != '/')
        return false;
    memcpy(key->server, at, length);
    key->server[length] = '\0';
    at += length + 1;
    if (!read_number(&at, &ordinal) || !read_number(&at, &socket) ||
        !read_number(&at, &key->device) || !read_number(&at, &key->inode) ||
        (*at != '\0' && !read_number(&at, &nth)) || *at != '\0')
        return false;
    key->ordinal = (unsigned)ordinal;
    key->nth = (unsigned)nth;
    return true;
}

unsigned store_nth(const char *name)
{
    struct key key;

    return read_name(&key, name) ? key.nth : 0;
}

/* --- Does it fit? --- */

int store_look_up(int fd, struct prong_address *address)
{
    int type = 0, accepting = 0;
    socklen_t length = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) < 0)
        return -errno;
    if (type != SOCK_STREAM || accepting == 0)
        return -EINVAL;
    return prong_address_from_fd(address, fd);
}

/* Every address of its family?  (The unused bytes of an IPv4 address are zero.) */
static bool is_wildcard(const struct prong_address *address)
{
    static const uint8_t any[sizeof(address->ip)];

    return memcmp(address->ip, any, sizeof(any)) == 0;
}

/* "*:80" is bound to every IPv4 address where there is no IPv6. */
static bool is_bound_to(const struct prong_address *bound, const struct config_listen *listen)
{
    if (prong_address_equal(bound, &listen->address))
        return true;
    return listen->any_host && bound->family == AF_INET && bound->port == listen->address.port &&
           is_wildcard(bound);
}

/* Linux sets IPV6_V6ONLY by itself for an address that can have no IPv4 clients. */
static bool has_options(int fd, const struct prong_address *bound,
                        const struct config_server *server)
{
    int only = 0;
    socklen_t length = sizeof(only);

    if (bound->family != AF_INET6 || !is_wildcard(bound))
        return true;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0 &&
           (only != 0) == server->ipv6_only;
}

static bool has_file(const struct key *key, const struct prong_address *bound,
                     const struct config_server *server)
{
    struct stat status;
    uid_t owner;
    gid_t group;
    char problem[256];

    if (bound->family != AF_UNIX || bound->path[0] == '\0')
        return true;
    if (lstat(bound->path, &status) < 0 || status.st_dev != key->device ||
        status.st_ino != key->inode)
        return false;
    if (server->socket_mode != 0 && (status.st_mode & 0777) != server->socket_mode)
        return false;
    return listeners_find_owner(server, &owner, &group, problem, sizeof(problem)) == 0 &&
           (owner == (uid_t)-1 || owner == status.st_uid) &&
           (group == (gid_t)-1 || group == status.st_gid);
}

bool store_fits(int fd, const char *name, const struct config_server *server, size_t index,
                unsigned ordinal)
{
    const struct config_listen *listen = &server->addresses[index];
    struct prong_address bound = {0};
    struct key key;

    if (listen->given != NULL || !read_name(&key, name) || store_look_up(fd, &bound) < 0)
        return false;
    if (key.ordinal > 0) {
        if (key.ordinal != ordinal + 1 || strcmp(key.server, server->name) != 0)
            return false;
        bound.port = 0;
    }
    return is_bound_to(&bound, listen) && has_options(fd, &bound, server) &&
           has_file(&key, &bound, server);
}

void store_discard(int fd, const char *name)
{
    struct prong_address bound;
    struct socket_file file;
    struct key key;

    if (read_name(&key, name) && prong_address_from_fd(&bound, fd) == 0) {
        file.device = (dev_t)key.device;
        file.inode = (ino_t)key.inode;
        socket_file_remove(&file, &bound);
    }
    systemd_drop(name);
    close(fd);
}
