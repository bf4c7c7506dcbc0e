/* SPDX-License-Identifier: MIT
 *
 * TCP_CONGESTION.
 */
#include <prong/congestion.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char system_file[] = "/proc/sys/net/ipv4/tcp_congestion_control";

/* Of this network namespace.  0 or -errno. */
static int read_system(char name[static PRONG_CONGESTION_SIZE])
{
    int fd = open(system_file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, name, PRONG_CONGESTION_SIZE - 1);
    int error = size < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    if (error < 0)
        return error;
    name[size] = '\0';
    name[strcspn(name, "\n")] = '\0';
    return 0;
}

int prong_congestion_set(int fd, const char *name)
{
    char system[PRONG_CONGESTION_SIZE];
    int error = name == NULL ? read_system(system) : 0;

    if (error < 0)
        return error;
    if (name == NULL)
        name = system;
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 ? -errno
                                                                                          : 0;
}

int prong_congestion_get(int fd, char *name, size_t size)
{
    socklen_t length = PRONG_CONGESTION_SIZE;

    if (size < PRONG_CONGESTION_SIZE)
        return -ENOBUFS;
    if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length) < 0)
        return -errno;
    name[PRONG_CONGESTION_SIZE - 1] = '\0';
    return 0;
}

int prong_congestion_check(const char *name)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0 && errno == EAFNOSUPPORT)
        fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = prong_congestion_set(fd, name);
    close(fd);
    return error;
}
