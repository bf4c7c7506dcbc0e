/* SPDX-License-Identifier: MIT
 *
 * Clients of the control socket that wait for something long, as a reload.
 *
 *     QUEUED → of the TRANSACTION → of the generation that LEAVES → answered
 *
 * Each has one answer in the end; until then it is shown the progress, once a second.
 */
#ifndef PRONGD_WAITING_H
#define PRONGD_WAITING_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct control_client;
struct waiter;

/* Gives {"state": …} of a transaction (`leaver` 0) or of a generation that leaves; NULL: nothing
 * is to be told. */
typedef json_t *waiting_progress(uint64_t leaver, void *user);

struct waiting {
    struct waiter *first;
    struct ev_loop *loop;
    ev_timer look;
    waiting_progress *progress;
    void *user;
};

/* Borrows all of them. */
void waiting_init(struct waiting *waiting, struct ev_loop *loop, waiting_progress *progress,
                  void *user);

/* One more, or nobody (NULL).  `stays`: until the old generation is gone.  It belongs to the next
 * transaction when it is `queued`, and to the running one otherwise. */
void waiting_add(struct waiting *waiting, struct control_client *client, bool stays, bool queued);

/* A transaction begins: it has all who were queued. */
void waiting_begin(struct waiting *waiting);

/* It ends without a generation that leaves: answers all of it.  Takes `answer`. */
void waiting_end(struct waiting *waiting, json_t *answer);

/* It is done: those who stay now wait for the end of `leaver` (0: nothing leaves), the others are
 * answered.  Takes `answer`. */
void waiting_commit(struct waiting *waiting, uint64_t leaver, json_t *answer);

/* The generation is gone.  Takes `answer`. */
void waiting_gone(struct waiting *waiting, uint64_t leaver, json_t *answer);

/* Forgets all; with `answer` (taken) they are told, NULL: without a word. */
void waiting_clear(struct waiting *waiting, json_t *answer);

#endif
