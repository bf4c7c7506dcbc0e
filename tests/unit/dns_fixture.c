/* SPDX-License-Identifier: MIT
 *
 * RFC 1035, as far as one question and one answer go.
 */
#include "dns_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE 12
#define TYPE_A      1

/* Where the question ends: behind its name, type and class. */
static size_t end_of_question(const uint8_t *message)
{
    size_t at = HEADER_SIZE;

    while (message[at] != 0)
        at += message[at] + 1U;
    return at + 5;
}

/* The answer in place of the question; returns its size. */
static size_t answer(const struct dns *dns, uint8_t *message, size_t size)
{
    size_t end = end_of_question(message);
    bool has_address = dns->ip != NULL && message[end - 3] == TYPE_A;
    static const uint8_t record[] = {0xc0, HEADER_SIZE, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4};

    assert_true(end <= size);
    message[2] = 0x81;                          /* a response */
    message[3] = (uint8_t)(0x80 | dns->code);   /* recursion is available */
    memset(message + 6, 0, 6);                  /* no records … */
    message[7] = has_address && dns->code == 0; /* … but perhaps one answer */
    if (message[7] == 0)
        return end;
    memcpy(message + end, record, sizeof(record));
    assert_int_equal(inet_pton(AF_INET, dns->ip, message + end + sizeof(record)), 1);
    return end + sizeof(record) + 4;
}

static void on_question(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct dns *dns = io->data;
    struct sockaddr_in client;
    socklen_t length = sizeof(client);
    uint8_t message[512];
    ssize_t size =
        recvfrom(io->fd, message, sizeof(message) - 64, 0, (struct sockaddr *)&client, &length);

    (void)ev;
    (void)revents;
    assert_true(size > HEADER_SIZE);
    dns->questions++;
    if (!dns->is_silent)
        sendto(io->fd, message, answer(dns, message, (size_t)size), 0, (struct sockaddr *)&client,
               length);
}

void dns_start(struct dns *dns, struct net *net)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    char servers[32];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(servers, sizeof(servers), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(prong_loop_set_name_servers(net->loop, servers), 0);
    dns->net = net;
    ev_io_init(&dns->io, on_question, fd, EV_READ);
    dns->io.data = dns;
    ev_io_start(net->ev, &dns->io);
    ev_unref(net->ev);
}

void dns_stop(struct dns *dns)
{
    ev_ref(dns->net->ev);
    ev_io_stop(dns->net->ev, &dns->io);
    close(dns->io.fd);
}
