/* SPDX-License-Identifier: MIT
 *
 * The two ends of a handoff.
 */
#include "handoff.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handoff_wire.h"
#include "log.h"
#include "record.h"

/* Batches under way at once: enough to keep the taker busy, few enough to be short. */
#define WINDOW 4

/* A batch that the giver has sent, or will send; it keeps the copies. */
struct sent_batch {
    struct sent_batch *next;
    bool is_sent;
    struct wire_batch wire;
};

/* A batch that the taker has read and not answered yet. */
struct taken_batch {
    struct taken_batch *next;
    struct wire_answer answer;
    void *connections[HANDOFF_BATCH];
};

struct handoff {
    struct ev_loop *ev;
    struct ev_io io;
    bool is_giver;
    unsigned peer;
    const struct handoff_events *events;
    void *user;
    uint32_t sequence;
    size_t holds; /* running dispatches */
    bool freed;
    bool is_closed;                /* nothing can be sent any more */
    size_t room;                   /* giver: of the taker, by its last answer */
    size_t pending;                /* giver: records without an answer */
    struct sent_batch *collecting; /* giver */
    struct sent_batch *sent;       /* giver, the oldest first */
    struct taken_batch *taken;     /* taker, the oldest first */
};

static void watch(struct handoff *handoff, bool for_writing)
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

/* --- Giver --- */

size_t handoff_room(const struct handoff *handoff)
{
    size_t window = (size_t)WINDOW * HANDOFF_BATCH;
    size_t limit = handoff->room < window ? handoff->room : window;

    return handoff->is_closed || handoff->pending >= limit ? 0 : limit - handoff->pending;
}

size_t handoff_pending(const struct handoff *handoff)
{
    return handoff->pending;
}

unsigned handoff_peer(const struct handoff *handoff)
{
    return handoff->peer;
}

static void send_batches(struct handoff *handoff)
{
    bool is_full = false;

    for (struct sent_batch *batch = handoff->sent; batch != NULL && !is_full; batch = batch->next) {
        int error = batch->is_sent ? 0 : wire_send_batch(handoff->io.fd, &batch->wire);

        if (error == 0)
            batch->is_sent = true;
        else if (error == -EAGAIN)
            is_full = true;
        else /* The end is read from the socket, with the answers that are left before it. */
            break;
    }
    watch(handoff, is_full);
}

void handoff_flush(struct handoff *handoff)
{
    struct sent_batch **link = &handoff->sent;

    if (handoff->collecting == NULL)
        return;
    while (*link != NULL)
        link = &(*link)->next;
    *link = handoff->collecting;
    handoff->collecting = NULL;
    send_batches(handoff);
}

void handoff_give(struct handoff *handoff, struct record *record)
{
    struct sent_batch *batch = handoff->collecting;

    if (batch == NULL) {
        batch = calloc(1, sizeof(*batch));
        if (batch == NULL) {
            handoff->events->on_returned(record, -ENOMEM, handoff->user);
            return;
        }
        batch->wire.sequence = ++handoff->sequence;
        handoff->collecting = batch;
    }
    batch->wire.records[batch->wire.count++] = *record;
    handoff->pending++;
    if (batch->wire.count == HANDOFF_BATCH)
        handoff_flush(handoff);
}

static void settle_batch(struct handoff *handoff, struct sent_batch *batch,
                         const struct wire_answer *answer)
{
    for (size_t i = 0; i < batch->wire.count; i++) {
        struct record *record = &batch->wire.records[i];
        int error = answer == NULL ? -EPIPE : -(int)answer->status[i];

        handoff->pending--;
        if (error < 0) {
            handoff->events->on_returned(record, error, handoff->user);
            continue;
        }
        record_clear(record); /* close() and nothing else: the connection is the taker's */
        handoff->events->on_taken(record->id, handoff->user);
    }
    free(batch);
}

static bool take_answer(struct handoff *handoff, const struct wire_answer *answer)
{
    struct sent_batch *batch = handoff->sent;

    handoff->room = answer->room;
    if (answer->count == 0) {
        handoff->events->on_room(handoff->user);
        return true;
    }
    if (batch == NULL || batch->wire.sequence != answer->sequence ||
        batch->wire.count != answer->count)
        return false;
    handoff->sent = batch->next;
    settle_batch(handoff, batch, answer);
    return true;
}

/* --- Taker --- */

static void start_batch(struct handoff *handoff, struct taken_batch *batch)
{
    for (size_t i = 0; i < batch->answer.count; i++) {
        if (batch->answer.status[i] == 0)
            handoff->events->on_start(batch->connections[i], handoff->user);
    }
    free(batch);
}

/* Once the kernel has an answer, its connections are ours, whatever becomes of the giver. */
static void send_answers(struct handoff *handoff)
{
    while (handoff->taken != NULL) {
        struct taken_batch *batch = handoff->taken;
        int error;

        batch->answer.room = (uint32_t)handoff->events->room(handoff->user);
        error = wire_send_answer(handoff->io.fd, &batch->answer);
        if (error == -EAGAIN) {
            watch(handoff, true);
            return;
        }
        /* Any other error: the giver is dead, and what it had sent lives on here. */
        handoff->taken = batch->next;
        start_batch(handoff, batch);
    }
    watch(handoff, false);
}

static void append_taken(struct handoff *handoff, struct taken_batch *batch)
{
    struct taken_batch **link = &handoff->taken;

    while (*link != NULL)
        link = &(*link)->next;
    *link = batch;
}

static void take_batch(struct handoff *handoff, struct wire_batch *wire)
{
    struct taken_batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL) {
        /* The giver's copies go back when it sees the end of this channel. */
        for (size_t i = 0; i < wire->count; i++) {
            if (!wire->is_damaged[i])
                record_clear(&wire->records[i]);
        }
        handoff->is_closed = true;
        return;
    }
    batch->answer = (struct wire_answer){.sequence = wire->sequence, .count = wire->count};
    for (size_t i = 0; i < wire->count; i++) {
        int error = -EBADMSG;

        if (!wire->is_damaged[i])
            error = handoff->events->on_record(&wire->records[i], &batch->connections[i],
                                               handoff->user);
        if (error < 0 && !wire->is_damaged[i])
            record_clear(&wire->records[i]);
        batch->answer.status[i] = (uint8_t)(error < -255 ? 255 : -error);
    }
    append_taken(handoff, batch);
}

/* The first word: how much may come. */
static void greet(struct handoff *handoff)
{
    struct wire_answer answer = {.room = (uint32_t)handoff->events->room(handoff->user)};

    (void)wire_send_answer(handoff->io.fd, &answer);
}

/* --- Both --- */

static void close_handoff(struct handoff *handoff)
{
    handoff->is_closed = true;
    ev_io_stop(handoff->ev, &handoff->io);
    handoff_flush(handoff);
    while (handoff->sent != NULL) {
        struct sent_batch *batch = handoff->sent;

        handoff->sent = batch->next;
        settle_batch(handoff, batch, NULL);
    }
    while (handoff->taken != NULL) {
        struct taken_batch *batch = handoff->taken;

        handoff->taken = batch->next;
        start_batch(handoff, batch);
    }
    handoff->events->on_close(handoff, handoff->user);
}

/* One message.  1: there may be more, -EAGAIN, or anything else: it is over. */
static int receive(struct handoff *handoff)
{
    struct wire_answer answer;
    struct wire_batch batch;
    int result;

    if (handoff->is_giver) {
        result = wire_receive_answer(handoff->io.fd, &answer);
        return result == 1 && !take_answer(handoff, &answer) ? -EPROTO : result;
    }
    result = wire_receive_batch(handoff->io.fd, &batch);
    if (result != 1)
        return result;
    take_batch(handoff, &batch);
    send_answers(handoff);
    return handoff->is_closed ? 0 : 1;
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct handoff *handoff = io->data;
    int resets = 0, result;

    (void)ev;
    handoff->holds++;
    if (revents & EV_WRITE && handoff->is_giver)
        send_batches(handoff);
    else if (revents & EV_WRITE)
        send_answers(handoff);
    do {
        result = receive(handoff);
        /* The error comes first, and what was sent before it with the next reads. */
        if (result == -ECONNRESET && resets++ == 0)
            result = 1;
    } while (result == 1 && !handoff->freed);
    if (result == -EPROTO)
        log_error("handoff broken peer=%u", handoff->peer);
    if (result != -EAGAIN && !handoff->freed)
        close_handoff(handoff);
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
        greet(handoff);
    return handoff;
}

/* Those that were taken live on at the taker. */
static void discard_sent(struct handoff *handoff)
{
    handoff_flush(handoff);
    while (handoff->sent != NULL) {
        struct sent_batch *batch = handoff->sent;

        handoff->sent = batch->next;
        for (size_t i = 0; i < batch->wire.count; i++)
            record_clear(&batch->wire.records[i]);
        free(batch);
    }
}

static void discard_taken(struct handoff *handoff)
{
    while (handoff->taken != NULL) {
        struct taken_batch *batch = handoff->taken;

        handoff->taken = batch->next;
        for (size_t i = 0; i < batch->answer.count; i++) {
            if (batch->answer.status[i] == 0)
                handoff->events->on_discard(batch->connections[i], handoff->user);
        }
        free(batch);
    }
}

void handoff_free(struct handoff *handoff)
{
    if (handoff == NULL || handoff->freed)
        return;
    discard_sent(handoff);
    discard_taken(handoff);
    ev_io_stop(handoff->ev, &handoff->io);
    close(handoff->io.fd);
    handoff->freed = true;
    if (handoff->holds == 0)
        free(handoff);
}
