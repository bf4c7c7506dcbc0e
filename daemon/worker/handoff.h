/* SPDX-License-Identifier: MIT
 *
 * The handoff: giving live connections to another worker over a socket pair, and taking them.
 *
 * One message carries up to HANDOFF_BATCH records with their descriptors; its answer says for each
 * whether it was taken.  At no moment may two workers read or write one connection:
 *
 *     giver                                      taker
 *     detach: watcher stopped, out of the
 *     kernel's epoll set; keeps a copy
 *     ── batch: records + descriptors ─────────> attaches, does nothing with them
 *     <───────────────── answer: one byte each ── starts those it took, once the kernel has it
 *     taken: close(), never shutdown()
 *     refused: takes its copy back
 *
 * A giver whose taker dies reads every answer that is left in the pair (the error comes first, the
 * answers with the next reads) and takes back what is unanswered.  A taker whose giver dies goes on
 * with all that reached it.  An end that cannot go on although the other lives gives up what the
 * other cannot know that it has.  The taker tells with every answer how many descriptors it has
 * room for, and is never sent more: what does not fit into recvmsg() is lost without a word.
 */
#ifndef PRONGD_HANDOFF_H
#define PRONGD_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct handoff;
struct record;

#define HANDOFF_BATCH 16

struct handoff_events {
    /* Taker: make a connection of it that does nothing yet; gives it back in `*connection`.  Takes
     * the record's descriptors and bytes on success.  0 or a negative code: refused. */
    int (*on_record)(struct record *record, void **connection, void *user);

    /* Taker: the answer is on its way; the connection may live. */
    void (*on_start)(void *connection, void *user);

    /* Taker: the channel is freed before the answer; the giver keeps the connection. */
    void (*on_discard)(void *connection, void *user);

    /* Taker: descriptors that it has room for. */
    size_t (*room)(void *user);

    /* Giver: the taker has said how much room it has, and nothing else: it may have been waited
     * for. */
    void (*on_room)(void *user);

    /* Giver: one was taken (0), or its copy is here again (a negative code; takes the record). */
    void (*on_taken)(uint64_t id, void *user);
    void (*on_returned)(struct record *record, int error, void *user);

    /* The pair is closed: nothing is under way any more.  May free it. */
    void (*on_close)(struct handoff *handoff, void *user);
};

/* Of a record that came back: its taker died, or something was short; it may go to another, or
 * later.
 */
bool handoff_is_temporary(int error);

/* One end of a pair.  Takes `fd` in every case; borrows the rest.  `peer` tells them apart in
 * logs.  NULL with errno. */
struct handoff *handoff_new(struct ev_loop *ev, int fd, bool is_giver, unsigned peer,
                            const struct handoff_events *events, void *user);

/* Does handoff_give() take a record with so many descriptors now?  No: wait. */
bool handoff_has_room(const struct handoff *handoff, size_t descriptors);

/* Records that are not answered yet. */
size_t handoff_pending(const struct handoff *handoff);

unsigned handoff_peer(const struct handoff *handoff);

/* Collects a record; it leaves with handoff_flush().  Takes it in every case: what cannot be sent
 * comes back through on_returned.  Only while handoff_has_room(). */
void handoff_give(struct handoff *handoff, struct record *record);

/* Sends what was collected. */
void handoff_flush(struct handoff *handoff);

/* Accepts NULL; also from its own events.  What was sent and not answered is left to the other
 * worker; what was not sent comes back first. */
void handoff_free(struct handoff *handoff);

#endif
