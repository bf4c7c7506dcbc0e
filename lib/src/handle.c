/* SPDX-License-Identifier: MIT
 *
 * Opening and adopting listening handles.
 */
#include "handle.h"

#include "handle_file.h"

#include <prong/server.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

void prong_listen_options_init(struct prong_listen_options *options)
{
    *options = (struct prong_listen_options){
        .backlog = PRONG_BACKLOG,
        .owner = (uid_t)-1,
        .group = (gid_t)-1,
    };
}

int handle_check(const struct prong_address *address, const struct prong_listen_options *options)
{
    if (address->family == 0 || (address->family == AF_UNIX && address->path_size == 0))
        return -EINVAL;
    if (address->family != AF_UNIX || handle_has_file(address) || options == NULL)
        return 0;
    /* An abstract name has no file that could carry them (R20). */
    return options->mode != 0 || options->owner != (uid_t)-1 || options->group != (gid_t)-1
               ? -EINVAL
               : 0;
}

static int set_flag(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_options(int fd, const struct prong_address *address,
                       const struct prong_listen_options *options)
{
    int error = 0;

    if (address->family == AF_UNIX)
        return 0;
    error = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && options->reuse_port)
        error = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && address->family == AF_INET6)
        error = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only);
    return error;
}

/* A backlog of 0 is the default one (R12). */
static int start_listening(int fd, int backlog)
{
    return listen(fd, backlog > 0 ? backlog : PRONG_BACKLOG) < 0 ? -errno : 0;
}

/* A unix socket's file gets its rights before listen(2), so that nobody gets in early. */
static int bind_and_listen(int fd, const struct prong_address *address,
                           const struct prong_listen_options *options, bool listens)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int error = prong_address_to_sockaddr(address, &storage, &length);

    if (error < 0)
        return error;
    if (bind(fd, (struct sockaddr *)&storage, length) < 0)
        return -errno;
    if (handle_has_file(address))
        error = handle_file_set_rights(address, options);
    if (error == 0 && listens)
        error = start_listening(fd, options->backlog);
    if (error < 0 && handle_has_file(address))
        handle_file_remove(address);
    return error;
}

/* The descriptor, or a negative code. */
static int open_handle(const struct prong_address *address,
                       const struct prong_listen_options *options, bool listens)
{
    struct prong_listen_options defaults;
    int error = handle_check(address, options);
    int fd;

    if (error < 0)
        return error;
    if (options == NULL) {
        prong_listen_options_init(&defaults);
        options = &defaults;
    }
    fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = set_options(fd, address, options);
    if (error == 0)
        error = bind_and_listen(fd, address, options, listens);
    if (error == -EADDRINUSE && options->take_over && handle_has_file(address) &&
        handle_file_remove_stale(address))
        error = bind_and_listen(fd, address, options, listens);
    if (error < 0) {
        close(fd);
        return error;
    }
    return fd;
}

int prong_listen_open(const struct prong_address *address,
                      const struct prong_listen_options *options)
{
    return open_handle(address, options, true);
}

int prong_bound_open(const struct prong_address *address,
                     const struct prong_listen_options *options)
{
    return open_handle(address, options, false);
}

static bool is_listening(int fd)
{
    int accepting = 0;
    socklen_t length = sizeof(accepting);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0 && accepting != 0;
}

int handle_adopt(int fd, int backlog)
{
    int type, flags;
    socklen_t length = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
        return -errno;
    if (type != SOCK_STREAM)
        return -EINVAL;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return is_listening(fd) ? 0 : start_listening(fd, backlog);
}
