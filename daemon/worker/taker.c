/* SPDX-License-Identifier: MIT
 *
 * The taker's end of a handoff: does nothing with a connection before it has answered for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "handoff_internal.h"
#include "record.h"

/* How often a taker that had told of less room than a window looks whether there is more now. */
#define TELL_AGAIN_S 0.1

/* --- Who has it --- */

/* Takes the batch. */
static void start_batch(struct handoff *handoff, struct taken_batch *batch)
{
    for (size_t i = 0; i < batch->answer.count; i++) {
        if (batch->answer.status[i] == 0)
            handoff->events->on_start(batch->connections[i], handoff->user);
    }
    free(batch);
}

static void discard_batch(struct handoff *handoff, struct taken_batch *batch)
{
    for (size_t i = 0; i < batch->answer.count; i++) {
        if (batch->answer.status[i] == 0)
            handoff->events->on_discard(batch->connections[i], handoff->user);
    }
    free(batch);
}

/* --- Room --- */

static uint32_t room_to_tell(struct handoff *handoff)
{
    struct taker *taker = &handoff->taker;

    taker->told = taker->is_short ? 0 : handoff->events->room(handoff->user);
    if (taker->told < HANDOFF_WINDOW)
        ev_timer_again(handoff->ev, &taker->tell);
    else
        ev_timer_stop(handoff->ev, &taker->tell);
    return (uint32_t)taker->told;
}

static void tell_room(struct handoff *handoff)
{
    struct wire_answer answer = {.room = room_to_tell(handoff)};

    if (wire_send_answer(handoff->io.fd, &answer) < 0)
        handoff->taker.told = 0; /* it is told with the next answer, or soon again */
}

static void on_tell(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct handoff *handoff = timer->data;

    (void)ev;
    (void)revents;
    handoff->taker.is_short = false;
    if (handoff->events->room(handoff->user) > handoff->taker.told)
        tell_room(handoff);
}

/* The first word: how much may come. */
void taker_start(struct handoff *handoff)
{
    ev_timer_init(&handoff->taker.tell, on_tell, 0., TELL_AGAIN_S);
    handoff->taker.tell.data = handoff;
    tell_room(handoff);
}

/* --- Answers --- */

/* Once the kernel has an answer, its connections are ours, whatever becomes of the giver. */
void taker_send(struct handoff *handoff)
{
    struct taker *taker = &handoff->taker;
    int error = 0;

    while (taker->taken != NULL && error == 0) {
        struct taken_batch *batch = taker->taken;

        batch->answer.room = room_to_tell(handoff);
        error = wire_send_answer(handoff->io.fd, &batch->answer);
        if (error < 0)
            break; /* it waits; a giver that is gone is found by reading */
        taker->taken = batch->next;
        start_batch(handoff, batch);
    }
    handoff_watch(handoff, error == -EAGAIN);
}

/* --- Batches --- */

static void append(struct taker *taker, struct taken_batch *batch)
{
    struct taken_batch **link = &taker->taken;

    while (*link != NULL)
        link = &(*link)->next;
    *link = batch;
}

static void refuse_all(struct wire_batch *wire)
{
    for (size_t i = 0; i < wire->count; i++) {
        if (wire->damage[i] == 0)
            record_clear(&wire->records[i]);
    }
}

/* 0, or what is wrong with it. */
static int take_record(struct handoff *handoff, struct wire_batch *wire, size_t i,
                       void **connection)
{
    int error;

    handoff->taker.is_short |= wire->damage[i] == -EMFILE;
    if (wire->damage[i] < 0)
        return wire->damage[i];
    error = handoff->events->on_record(&wire->records[i], connection, handoff->user);
    if (error < 0)
        record_clear(&wire->records[i]);
    return error;
}

/* 1, or -ENOMEM: then the giver keeps them all. */
static int take_batch(struct handoff *handoff, struct wire_batch *wire)
{
    struct taken_batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL) {
        refuse_all(wire);
        return -ENOMEM;
    }
    batch->answer = (struct wire_answer){.sequence = wire->sequence, .count = wire->count};
    for (size_t i = 0; i < wire->count; i++) {
        int error = take_record(handoff, wire, i, &batch->connections[i]);

        batch->answer.status[i] = (uint8_t)(error < -255 ? 255 : -error);
    }
    append(&handoff->taker, batch);
    return 1;
}

int taker_receive(struct handoff *handoff)
{
    struct wire_batch wire;
    int result = wire_receive_batch(handoff->io.fd, &wire);

    if (result == 1)
        result = take_batch(handoff, &wire);
    if (result == 1)
        taker_send(handoff);
    return result;
}

/* --- The end --- */

void taker_settle(struct handoff *handoff, enum handoff_ending ending)
{
    struct taker *taker = &handoff->taker;

    ev_timer_stop(handoff->ev, &taker->tell);
    while (taker->taken != NULL) {
        struct taken_batch *batch = taker->taken;

        taker->taken = batch->next;
        if (ending == HANDOFF_BROKEN)
            discard_batch(handoff, batch);
        else
            start_batch(handoff, batch);
    }
}
