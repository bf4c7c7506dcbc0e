/* SPDX-License-Identifier: MIT
 *
 * Who is owed an answer.
 */
#include "waiting.h"

#include <stdlib.h>

#include "control.h"

#define LOOK_S 1.0

enum phase { PHASE_QUEUED, PHASE_TRANSACTION, PHASE_LEAVING };

struct waiter {
    struct waiter *next;
    struct control_client *client;
    enum phase phase;
    bool stays;
    uint64_t leaver; /* of PHASE_LEAVING */
};

/* --- Progress --- */

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct waiting *waiting = timer->data;

    (void)revents;
    if (waiting->first == NULL)
        ev_timer_stop(loop, timer);
    for (struct waiter *waiter = waiting->first; waiter != NULL; waiter = waiter->next)
        control_progress(waiter->client, waiting->progress(waiter->leaver, waiting->user));
}

void waiting_init(struct waiting *waiting, struct ev_loop *loop, waiting_progress *progress,
                  void *user)
{
    waiting->first = NULL;
    waiting->loop = loop;
    waiting->progress = progress;
    waiting->user = user;
    ev_timer_init(&waiting->look, on_look, LOOK_S, LOOK_S);
    waiting->look.data = waiting;
}

/* --- From phase to phase --- */

void waiting_add(struct waiting *waiting, struct control_client *client, bool stays, bool queued)
{
    struct waiter *waiter;

    if (client == NULL)
        return;
    waiter = calloc(1, sizeof(*waiter));
    if (waiter == NULL) {
        control_answer(client, NULL);
        return;
    }
    waiter->client = client;
    waiter->stays = stays;
    waiter->phase = queued ? PHASE_QUEUED : PHASE_TRANSACTION;
    waiter->next = waiting->first;
    waiting->first = waiter;
    ev_timer_start(waiting->loop, &waiting->look);
}

void waiting_begin(struct waiting *waiting)
{
    for (struct waiter *waiter = waiting->first; waiter != NULL; waiter = waiter->next) {
        if (waiter->phase == PHASE_QUEUED)
            waiter->phase = PHASE_TRANSACTION;
    }
}

/* Answers those of one phase, of one generation; takes `answer`. */
static void answer_phase(struct waiting *waiting, enum phase phase, uint64_t leaver, json_t *answer)
{
    struct waiter **link = &waiting->first;

    while (*link != NULL) {
        struct waiter *waiter = *link;

        if (waiter->phase != phase || waiter->leaver != leaver) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        control_answer(waiter->client, json_incref(answer));
        free(waiter);
    }
    json_decref(answer);
}

void waiting_end(struct waiting *waiting, json_t *answer)
{
    answer_phase(waiting, PHASE_TRANSACTION, 0, answer);
}

void waiting_commit(struct waiting *waiting, uint64_t leaver, json_t *answer)
{
    for (struct waiter *waiter = waiting->first; waiter != NULL; waiter = waiter->next) {
        if (waiter->phase != PHASE_TRANSACTION || !waiter->stays || leaver == 0)
            continue;
        waiter->phase = PHASE_LEAVING;
        waiter->leaver = leaver;
    }
    answer_phase(waiting, PHASE_TRANSACTION, 0, answer);
}

void waiting_gone(struct waiting *waiting, uint64_t leaver, json_t *answer)
{
    answer_phase(waiting, PHASE_LEAVING, leaver, answer);
}

void waiting_clear(struct waiting *waiting, json_t *answer)
{
    ev_timer_stop(waiting->loop, &waiting->look);
    while (waiting->first != NULL) {
        struct waiter *waiter = waiting->first;

        waiting->first = waiter->next;
        if (answer != NULL)
            control_answer(waiter->client, json_incref(answer));
        free(waiter);
    }
    json_decref(answer);
}
