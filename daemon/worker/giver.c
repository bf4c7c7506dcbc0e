/* SPDX-License-Identifier: MIT
 *
 * The giver's end of a handoff: keeps a copy of every record until it knows who has it.
 */
#include <errno.h>
#include <stdlib.h>

#include "handoff_internal.h"
#include "record.h"

bool handoff_has_room(const struct handoff *handoff, size_t descriptors)
{
    const struct giver *giver = &handoff->giver;

    return !handoff->is_closed && giver->pending < HANDOFF_WINDOW &&
           giver->pending_fds + descriptors <= giver->room;
}

size_t handoff_pending(const struct handoff *handoff)
{
    return handoff->giver.pending;
}

bool handoff_is_temporary(int error)
{
    return error == -EPIPE || error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* --- Who has it --- */

static void count_under_way(struct giver *giver, const struct record *record)
{
    giver->pending++;
    giver->pending_fds += 1 + record->companion_count;
}

static void count_settled(struct giver *giver, const struct record *record)
{
    giver->pending--;
    giver->pending_fds -= 1 + record->companion_count;
}

/* It lives on here. */
static void give_back(struct handoff *handoff, struct record *record, int error)
{
    count_settled(&handoff->giver, record);
    handoff->events->on_returned(record, error, handoff->user);
}

/* It lives on at the taker: close() and nothing else. */
static void let_go(struct handoff *handoff, struct record *record)
{
    count_settled(&handoff->giver, record);
    record_clear(record);
}

/* Takes the batch. */
static void give_back_all(struct handoff *handoff, struct sent_batch *batch, int error)
{
    for (size_t i = 0; i < batch->wire.count; i++)
        give_back(handoff, &batch->wire.records[i], error);
    free(batch);
}

static void let_all_go(struct handoff *handoff, struct sent_batch *batch)
{
    for (size_t i = 0; i < batch->wire.count; i++)
        let_go(handoff, &batch->wire.records[i]);
    free(batch);
}

/* --- Sending --- */

/* That the taker is gone is read from the socket, behind the answers that it left there. */
void giver_send(struct handoff *handoff)
{
    struct sent_batch **link = &handoff->giver.sent;
    int error = 0;

    while (*link != NULL && error == 0) {
        struct sent_batch *batch = *link;

        error = batch->is_sent ? 0 : wire_send_batch(handoff->io.fd, &batch->wire);
        if (error == 0) {
            batch->is_sent = true;
            link = &batch->next;
        } else if (error != -EAGAIN && error != -EPIPE && error != -ECONNRESET) {
            *link = batch->next;
            give_back_all(handoff, batch, error);
            error = 0;
        }
    }
    handoff_watch(handoff, error == -EAGAIN);
}

/* What was collected waits to be sent. */
static void close_collection(struct giver *giver)
{
    struct sent_batch **link = &giver->sent;

    while (*link != NULL)
        link = &(*link)->next;
    *link = giver->collecting;
    giver->collecting = NULL;
}

static struct sent_batch *collection(struct giver *giver)
{
    if (giver->collecting == NULL) {
        giver->collecting = calloc(1, sizeof(*giver->collecting));
        if (giver->collecting != NULL)
            giver->collecting->wire.sequence = ++giver->sequence;
    }
    return giver->collecting;
}

void handoff_flush(struct handoff *handoff)
{
    struct sent_batch *batch = handoff->giver.collecting;

    if (batch == NULL || batch->wire.count == 0)
        return;
    close_collection(&handoff->giver);
    giver_send(handoff);
}

void handoff_give(struct handoff *handoff, struct record *record)
{
    struct sent_batch *batch = collection(&handoff->giver);
    int error = batch == NULL ? -ENOMEM : wire_check(record);

    count_under_way(&handoff->giver, record);
    if (error < 0) {
        give_back(handoff, record, error);
        return;
    }
    batch->wire.records[batch->wire.count++] = *record;
    if (batch->wire.count == HANDOFF_BATCH)
        handoff_flush(handoff);
}

/* --- Answers --- */

static bool take_answer(struct handoff *handoff, const struct wire_answer *answer)
{
    struct giver *giver = &handoff->giver;
    struct sent_batch *batch = giver->sent;

    giver->room = answer->room;
    if (answer->count == 0) {
        handoff->events->on_room(handoff->user);
        return true;
    }
    if (batch == NULL || !batch->is_sent || batch->wire.sequence != answer->sequence ||
        batch->wire.count != answer->count)
        return false;
    giver->sent = batch->next;
    for (size_t i = 0; i < answer->count; i++) {
        struct record *record = &batch->wire.records[i];

        if (answer->status[i] != 0) {
            give_back(handoff, record, -(int)answer->status[i]);
            continue;
        }
        let_go(handoff, record);
        handoff->events->on_taken(record->id, handoff->user);
    }
    free(batch);
    return true;
}

int giver_receive(struct handoff *handoff)
{
    struct wire_answer answer;
    int result = wire_receive_answer(handoff->io.fd, &answer);

    return result == 1 && !take_answer(handoff, &answer) ? -EPROTO : result;
}

/* --- The end --- */

void giver_settle(struct handoff *handoff, enum handoff_ending ending)
{
    struct giver *giver = &handoff->giver;

    close_collection(giver);
    while (giver->sent != NULL) {
        struct sent_batch *batch = giver->sent;

        giver->sent = batch->next;
        if (batch->is_sent && ending == HANDOFF_BROKEN)
            let_all_go(handoff, batch);
        else
            give_back_all(handoff, batch, -EPIPE);
    }
}
