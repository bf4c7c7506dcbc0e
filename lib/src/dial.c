/* SPDX-License-Identifier: MIT
 *
 * socket(2), bind(2), connect(2).
 */
#include "dial.h"

#include "socket_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_to(int fd, const struct prong_address *local)
{
    static const int on = 1;
    struct sockaddr_storage storage;
    socklen_t length;
    int error = prong_address_to_sockaddr(local, &storage, &length);

    if (error < 0)
        return error;
    /* A port of one's own may be taken again while an old connection is in TIME_WAIT.  Without one
     * the kernel chooses when it connects, and so has one for each destination. */
    if (local->port != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static int begin(int fd, const struct prong_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int error = prong_address_to_sockaddr(address, &storage, &length);

    if (error < 0)
        return error;
    if (connect(fd, (struct sockaddr *)&storage, length) < 0 && errno != EINPROGRESS)
        return -errno;
    return 0;
}

int dial(struct prong_attempt *attempt, const struct prong_address *local, uint8_t type_of_service)
{
    uint16_t family = attempt->address.family;
    int error = 0;
    int fd;

    attempt->syscall = "socket";
    fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socket_apply_type_of_service(fd, family, type_of_service);
    if (local->family != 0) {
        attempt->syscall = "bind";
        error = bind_to(fd, local);
    }
    if (error == 0) {
        attempt->syscall = "connect";
        error = begin(fd, &attempt->address);
    }
    if (error < 0) {
        close(fd);
        return error;
    }
    attempt->syscall = "";
    return fd;
}
