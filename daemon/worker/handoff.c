/* SPDX-License-Identifier: MIT
 *
 * What both ends of a handoff do: wait for the socket, and come to an end.
 */
#include "handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "handoff_internal.h"
#include "log.h"

void handoff_watch(struct handoff *handoff, bool for_writing)
{
    int events = EV_READ | (for_writing ? EV_WRITE : 0);

    if (handoff->is_closed)
        return;
    if (ev_is_active(&handoff->io) && (handoff->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(handoff->ev, &handoff->io);
    ev_io_set(&handoff->io, handoff->io.fd, events);
    ev_io_start(handoff->ev, &handoff->io);
}

unsigned handoff_peer(const struct handoff *handoff)
{
    return handoff->peer;
}

static void settle(struct handoff *handoff, enum handoff_ending ending)
{
    handoff->is_closed = true;
    ev_io_stop(handoff->ev, &handoff->io);
    giver_settle(handoff, ending);
    taker_settle(handoff, ending);
}

/* The error comes first, and what was sent before it with the next reads. */
static int receive_all(struct handoff *handoff)
{
    int result;

    do
        result = handoff->is_giver ? giver_receive(handoff) : taker_receive(handoff);
    while ((result == 1 || result == -ECONNRESET) && !handoff->freed);
    return result;
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct handoff *handoff = io->data;
    int result;

    (void)ev;
    handoff->holds++;
    if (revents & EV_WRITE && handoff->is_giver)
        giver_send(handoff);
    else if (revents & EV_WRITE)
        taker_send(handoff);
    result = receive_all(handoff);
    if (result < 0 && result != -EAGAIN)
        log_code(LOG_LEVEL_ERROR, result, "handoff broken peer=%u", handoff->peer);
    if (result != -EAGAIN && !handoff->freed) {
        settle(handoff, result == 0 ? HANDOFF_GONE : HANDOFF_BROKEN);
        handoff->events->on_close(handoff, handoff->user);
    }
    handoff->holds--;
    if (handoff->freed && handoff->holds == 0)
        free(handoff);
}

struct handoff *handoff_new(struct ev_loop *ev, int fd, bool is_giver, unsigned peer,
                            const struct handoff_events *events, void *user)
{
    struct handoff *handoff = calloc(1, sizeof(*handoff));

    if (handoff == NULL) {
        close(fd);
        return NULL;
    }
    handoff->ev = ev;
    handoff->is_giver = is_giver;
    handoff->peer = peer;
    handoff->events = events;
    handoff->user = user;
    ev_io_init(&handoff->io, on_ready, fd, EV_READ);
    handoff->io.data = handoff;
    ev_io_start(ev, &handoff->io);
    if (!is_giver)
        taker_start(handoff);
    return handoff;
}

void handoff_free(struct handoff *handoff)
{
    if (handoff == NULL || handoff->freed)
        return;
    settle(handoff, HANDOFF_BROKEN);
    close(handoff->io.fd);
    handoff->freed = true;
    if (handoff->holds == 0)
        free(handoff);
}
