/* SPDX-License-Identifier: MIT
 *
 * Sockets of descriptors that are connected already.
 */
#include <prong/socket.h>

#include "socket_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

static bool is_listening(int fd)
{
    int accepting = 0;
    socklen_t length = sizeof(accepting);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0 && accepting != 0;
}

/* Who is at the two ends.  Only stream sockets of a family that we know, and connected ones. */
static int inspect(int fd, struct prong_address *local, struct prong_address *remote)
{
    struct sockaddr_storage storage;
    struct sockaddr *sockaddr = (struct sockaddr *)&storage;
    int type;
    socklen_t length = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
        return -errno;
    length = sizeof(storage);
    if (getsockname(fd, sockaddr, &length) < 0)
        return -errno;
    prong_address_from_sockaddr(local, sockaddr, length);
    if (type != SOCK_STREAM || local->family == AF_UNSPEC || is_listening(fd))
        return -EINVAL;
    length = sizeof(storage);
    if (getpeername(fd, sockaddr, &length) < 0)
        return -errno;
    prong_address_from_sockaddr(remote, sockaddr, length);
    return 0;
}

static int prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

/* A direction that the caller does not want counts as done already. */
static void limit(struct prong_socket *socket, const struct prong_socket_options *options)
{
    if (options->write_only)
        socket->peer_ended = socket->end_delivered = true;
    if (!options->read_only)
        return;
    output_end(socket);
    socket->end_wanted = socket->finished = true;
}

/* NULL with errno. */
static struct prong_socket *adopt(struct prong_loop *loop, int fd,
                                  const struct prong_socket_options *options,
                                  const struct prong_socket_events *events, void *user)
{
    struct prong_address local = {0}, remote = {0};
    struct prong_socket *socket;
    int error = inspect(fd, &local, &remote);

    if (error == 0)
        error = prepare(fd);
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    socket = socket_new(loop, options, events, user);
    if (socket == NULL)
        return NULL;
    socket_open(socket, fd, (uint8_t)local.family);
    endpoint_pack(&socket->local, &local);
    endpoint_pack(&socket->remote, &remote);
    return socket;
}

struct prong_socket *prong_socket_from_fd(struct prong_loop *loop, int fd,
                                          const struct prong_socket_options *options,
                                          const struct prong_socket_events *events, void *user)
{
    struct prong_socket_options defaults;
    struct prong_socket *socket;

    prong_socket_options_init(&defaults);
    if (options == NULL)
        options = &defaults;
    socket = adopt(loop, fd, options, events, user);
    if (socket == NULL)
        return NULL;
    limit(socket, options);
    socket_apply_options(socket);
    socket_update_watchers(socket);
    return socket;
}
