/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "options.h"
#include "pattern.h"
#include "report.h"

/* What one system call moves. */
#define PIECE 65536

/* A slow connection's buffers: small, so that the server soon holds what it cannot send. */
#define SLOW_BUFFER 4096

/* How far from its place in the stream a wrong byte is looked for, and with how many. */
#define LOOK_AROUND ((uint64_t)1 << 20)
#define LOOK_WITH   16

static uint8_t buffer[PIECE];

/* --- Ends --- */

static void close_connection(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    connection->state = CONNECTION_CLOSED;
}

void connection_give_up(struct line *line, struct connection *connection, int fault, int error)
{
    report_fault(line->report, (enum fault)fault, connection->name, error, connection->received);
    close_connection(connection);
}

static void on_error(struct line *line, struct connection *connection, int error)
{
    bool is_reset = error == ECONNRESET || error == EPIPE;

    connection_give_up(line, connection, is_reset ? FAULT_reset : FAULT_failed, error);
}

/* --- What is waited for --- */

static uint32_t events_of(const struct connection *connection)
{
    uint32_t events = EPOLLRDHUP;

    if (connection->role != ROLE_SLOW || connection->is_eager)
        events |= EPOLLIN;
    if (connection->state == CONNECTION_CONNECTING || connection->sent < connection->wanted)
        events |= EPOLLOUT;
    return events;
}

static void watch(const struct line *line, struct connection *connection)
{
    struct epoll_event event = {.events = events_of(connection), .data.ptr = connection};
    int operation = connection->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (connection->fd < 0 || connection->watched == event.events)
        return;
    if (epoll_ctl(line->epoll_fd, operation, connection->fd, &event) < 0)
        perror("steady-load: epoll_ctl");
    connection->watched = event.events;
}

/* --- Opening --- */

/* A unix socket is named by the kernel, so that the server sees who it is. */
static int open_socket(const struct connection *connection, const struct sockaddr *address)
{
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    const int size = SLOW_BUFFER;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (address->sa_family == AF_UNIX)
        (void)bind(fd, (const struct sockaddr *)&unnamed, sizeof(unnamed.sun_family));
    if (connection->role == ROLE_SLOW) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    return fd;
}

static void find_name(struct connection *connection)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    } own = {0};
    socklen_t size = sizeof(own);

    connection->name[0] = '\0';
    if (connection->role == ROLE_SHORT || getsockname(connection->fd, &own.any, &size) < 0)
        return;
    if (own.any.sa_family == AF_INET)
        snprintf(connection->name, sizeof(connection->name), "4:%u", ntohs(own.ipv4.sin_port));
    else if (own.any.sa_family == AF_INET6)
        snprintf(connection->name, sizeof(connection->name), "6:%u", ntohs(own.ipv6.sin6_port));
    else
        snprintf(connection->name, sizeof(connection->name), "u:%.16s", own.local.sun_path + 1);
}

/* A unix socket whose queue is full says EAGAIN: a short one tries again with its next turn. */
static void refuse(struct line *line, struct connection *connection, int error)
{
    if (error != EAGAIN || connection->role != ROLE_SHORT)
        report_fault(line->report, FAULT_refused, "", error, 0);
    close_connection(connection);
}

void connection_open(struct line *line, struct connection *connection)
{
    const struct sockaddr *address =
        (const struct sockaddr *)&line->options->addresses[connection->address].name;

    connection->stream = line->streams++;
    connection->sent = connection->wanted = connection->received = connection->timed_end = 0;
    connection->watched = 0;
    connection->timed_since_ns = now_ns();
    connection->fd = open_socket(connection, address);
    if (connection->fd < 0) {
        refuse(line, connection, errno);
        return;
    }
    connection->state = CONNECTION_CONNECTING;
    if (connect(connection->fd, address, line->options->addresses[connection->address].size) < 0 &&
        errno != EINPROGRESS) {
        refuse(line, connection, errno);
        return;
    }
    find_name(connection);
    watch(line, connection);
}

static void on_connected(struct line *line, struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error == 0)
        connection->state = CONNECTION_OPEN;
    else
        refuse(line, connection, error);
}

/* --- Sending --- */

static void push(struct line *line, struct connection *connection)
{
    while (connection->sent < connection->wanted) {
        uint64_t left = connection->wanted - connection->sent;
        size_t size = left < PIECE ? (size_t)left : PIECE;
        ssize_t taken;

        pattern_fill(connection->stream, connection->sent, buffer, size);
        taken = send(connection->fd, buffer, size, MSG_NOSIGNAL);
        if (taken < 0 && errno == EAGAIN)
            break;
        if (taken < 0) {
            on_error(line, connection, errno);
            return;
        }
        connection->sent += (uint64_t)taken;
    }
    watch(line, connection);
}

void connection_send(struct line *line, struct connection *connection, uint64_t size)
{
    connection->wanted += size;
    if (connection->timed_end == 0 && connection->role != ROLE_SLOW) {
        connection->timed_end = connection->wanted;
        if (connection->role != ROLE_SHORT)
            connection->timed_since_ns = now_ns();
    }
    if (connection->state == CONNECTION_OPEN)
        push(line, connection);
}

/* --- Checking --- */

/* What kind of wrong are these bytes? */
static enum fault classify(const struct connection *connection, uint64_t position,
                           const uint8_t *bytes, size_t size)
{
    if (size < LOOK_WITH)
        return FAULT_garbled;
    for (uint64_t distance = 1; distance < LOOK_AROUND; distance++) {
        if (pattern_matches(connection->stream, position + distance, bytes, LOOK_WITH))
            return FAULT_skipped;
        if (distance <= position &&
            pattern_matches(connection->stream, position - distance, bytes, LOOK_WITH))
            return FAULT_repeated;
    }
    return FAULT_garbled;
}

static void on_wrong_bytes(struct line *line, struct connection *connection, size_t size)
{
    size_t right = 0;

    while (right < size &&
           pattern_matches(connection->stream, connection->received + right, buffer + right, 1))
        right++;
    connection->received += right;
    connection_give_up(
        line, connection,
        (int)classify(connection, connection->received, buffer + right, size - right), 0);
}

static void on_echo(struct line *line, struct connection *connection)
{
    if (connection->role == ROLE_SHORT) {
        connection->state = CONNECTION_ENDING;
        (void)shutdown(connection->fd, SHUT_WR);
        return;
    }
    histogram_add(&line->report->echoes, now_ns() - connection->timed_since_ns);
    connection->timed_end = 0;
}

static void on_bytes(struct line *line, struct connection *connection, size_t size)
{
    if (!pattern_matches(connection->stream, connection->received, buffer, size) ||
        connection->received + size > connection->sent) {
        on_wrong_bytes(line, connection, size);
        return;
    }
    connection->received += size;
    line->report->bytes += size;
    if (connection->timed_end != 0 && connection->received >= connection->timed_end)
        on_echo(line, connection);
}

static void on_end_of_file(struct line *line, struct connection *connection)
{
    if (connection->state != CONNECTION_ENDING) {
        connection_give_up(line, connection, FAULT_end, 0);
        return;
    }
    histogram_add(&line->report->shorts, now_ns() - connection->timed_since_ns);
    close_connection(connection);
}

/* One read.  False: there is nothing more for now. */
static bool read_once(struct line *line, struct connection *connection)
{
    ssize_t size = recv(connection->fd, buffer, sizeof(buffer), 0);

    if (size > 0)
        on_bytes(line, connection, (size_t)size);
    else if (size == 0)
        on_end_of_file(line, connection);
    else if (errno != EAGAIN)
        on_error(line, connection, errno);
    return size > 0 && connection->state != CONNECTION_CLOSED;
}

/* --- The interface --- */

void connection_sip(struct line *line, struct connection *connection)
{
    if (connection->state == CONNECTION_OPEN)
        (void)read_once(line, connection);
}

void connection_set_eager(struct line *line, struct connection *connection, bool eager)
{
    connection->is_eager = eager;
    if (connection->state == CONNECTION_OPEN)
        watch(line, connection);
}

bool connection_is_settled(const struct connection *connection)
{
    return connection->state == CONNECTION_OPEN && connection->received == connection->wanted;
}

void connection_on_event(struct line *line, struct connection *connection, uint32_t events)
{
    bool is_over = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

    if (connection->state == CONNECTION_CONNECTING)
        on_connected(line, connection);
    else if (events & EPOLLIN || is_over)
        while (read_once(line, connection) && is_over) {
        }
    if (connection->state == CONNECTION_OPEN || connection->state == CONNECTION_ENDING)
        push(line, connection);
}
