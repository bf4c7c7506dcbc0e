/* SPDX-License-Identifier: MIT
 *
 * A second epoll set inside libev's.
 */
#include "hangup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Events fetched with one system call. */
#define BATCH 64

struct hangups {
    struct ev_io io; /* of the set */
    struct ev_loop *ev;
};

/* Only marks and defers: no callback may free a socket that is still to come in this batch. */
static void take_event(struct prong_socket *socket, uint32_t events)
{
    int error = 0;
    socklen_t length = sizeof(error);

    /* It reads, and recv(2) will tell.  This edge is spent: the next pause begins anew. */
    if (!socket->paused) {
        hangup_forget(socket);
        return;
    }
    if (events & EPOLLERR)
        (void)getsockopt(socket->io.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        socket_fail(socket, -error, CALL_READ);
    } else if (!socket->peer_ended && events & (EPOLLRDHUP | EPOLLHUP)) {
        socket->due_hangup = true;
        socket_defer(socket);
    }
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct epoll_event events[BATCH];
    int count;

    (void)ev;
    (void)revents;
    do {
        count = epoll_wait(io->fd, events, BATCH, 0);
        for (int i = 0; i < count; i++)
            take_event(events[i].data.ptr, events[i].events);
    } while (count == BATCH);
}

static struct hangups *hangups_new(struct ev_loop *ev)
{
    struct hangups *hangups = calloc(1, sizeof(*hangups));
    int fd;

    if (hangups == NULL)
        return NULL;
    fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        free(hangups);
        return NULL;
    }
    hangups->ev = ev;
    ev_io_init(&hangups->io, on_ready, fd, EV_READ);
    ev_io_start(ev, &hangups->io);
    ev_unref(ev); /* a paused socket keeps no program alive (R114) */
    return hangups;
}

void hangups_free(struct hangups *hangups)
{
    if (hangups == NULL)
        return;
    ev_ref(hangups->ev);
    ev_io_stop(hangups->ev, &hangups->io);
    close(hangups->io.fd);
    free(hangups);
}

static int control(const struct prong_socket *socket, int operation)
{
    struct epoll_event event = {.events = EPOLLET};

    if (!socket->peer_ended)
        event.events |= EPOLLRDHUP;
    event.data.ptr = (void *)(uintptr_t)socket;
    return epoll_ctl(loop_of(socket)->hangups->io.fd, operation, socket->io.fd, &event);
}

void hangup_watch(struct prong_socket *socket)
{
    struct prong_loop *loop = loop_of(socket);

    if (loop->hangups == NULL)
        loop->hangups = hangups_new(loop->ev);
    /* When it fails there is no notice; asking again with every pause would not help. */
    socket->hangup_watched = true;
    if (loop->hangups != NULL)
        (void)control(socket, EPOLL_CTL_ADD);
}

void hangup_forget(struct prong_socket *socket)
{
    if (!socket->hangup_watched)
        return;
    socket->hangup_watched = false;
    if (loop_of(socket)->hangups != NULL)
        (void)control(socket, EPOLL_CTL_DEL);
}
