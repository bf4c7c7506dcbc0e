/* SPDX-License-Identifier: MIT
 *
 * Raw peers: descriptors that do what a test says.
 */
#include "net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int net_raw_client(struct net *net)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(net->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int raw_socket(const char *ip, uint16_t port, struct sockaddr_storage *storage,
                      socklen_t *length)
{
    struct prong_address address;
    int fd;

    assert_int_equal(prong_address_from_ip(&address, ip, port), 0);
    assert_int_equal(prong_address_to_sockaddr(&address, storage, length), 0);
    fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static int raw_listener(const char *ip, int backlog, struct prong_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = raw_socket(ip, 0, &storage, &length);

    assert_int_equal(bind(fd, (struct sockaddr *)&storage, length), 0);
    assert_int_equal(listen(fd, backlog), 0);
    length = sizeof(storage);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &length), 0);
    prong_address_from_sockaddr(address, (struct sockaddr *)&storage, length);
    return fd;
}

int net_raw_listener(const char *ip, struct prong_address *address)
{
    return raw_listener(ip, 16, address);
}

void net_free_port(struct prong_address *address)
{
    /* Below what ip_local_port_range begins with; tests that run side by side begin elsewhere. */
    uint16_t port = (uint16_t)(10000 + getpid() % 20000);
    struct sockaddr_storage storage;
    socklen_t length;
    int fd, error;

    do {
        fd = raw_socket("127.0.0.1", ++port, &storage, &length);
        error = bind(fd, (struct sockaddr *)&storage, length);
        close(fd);
    } while (error < 0);
    prong_address_from_sockaddr(address, (struct sockaddr *)&storage, length);
}

int net_hanging_listener(const char *ip, struct prong_address *address, int *filler)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = raw_listener(ip, 0, address);

    *filler = raw_socket(ip, address->port, &storage, &length);
    assert_int_equal(connect(*filler, (struct sockaddr *)&storage, length), 0);
    return fd;
}

void net_raw_reset(int fd)
{
    static const struct linger now = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(fd);
}
