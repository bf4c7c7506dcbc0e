/* SPDX-License-Identifier: MIT
 *
 * One function for each message of a worker.
 */
#include "reports.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "generation.h"
#include "log.h"
#include "message.h"
#include "pairing.h"
#include "slot.h"
#include "supervisor.h"

void reports_serve_when_ready(struct supervisor *supervisor, struct generation *generation)
{
    for (unsigned i = 0; i < generation->slot_count; i++) {
        if (generation->slots[i].state != SLOT_READY)
            return;
    }
    generation_enter(generation, GENERATION_SERVING);
    supervisor->events->on_ready(generation, supervisor->user);
}

static void begin_trial(struct slot *slot)
{
    slot_accept(slot);
    slot->supervisor->events->on_trial(slot->generation, slot->supervisor->user);
}

static void on_ready(struct slot *slot, const struct ipc_frame *frame)
{
    struct generation *generation = slot->generation;

    (void)frame;
    if (slot->state != SLOT_STARTING)
        return; /* it was told to end meanwhile */
    slot_enter(slot, SLOT_READY);
    slot->ready_at = clock_s();
    log_info("worker ready slot=%u generation=%llu pid=%d", slot->index,
             (unsigned long long)generation->number, (int)slot->pid);
    slot->supervisor->events->on_worker(slot, slot->supervisor->user);
    if (generation->accepts) {
        slot_accept(slot);
        (void)pairing_connect_leavers(slot->supervisor->generations, slot);
    }
    if (generation->state == GENERATION_STARTING && generation->is_on_trial)
        begin_trial(slot);
    else if (generation->state == GENERATION_STARTING)
        reports_serve_when_ready(slot->supervisor, generation);
}

/* It was told by a signal to drain. */
static void on_draining(struct slot *slot, const struct ipc_frame *frame)
{
    (void)frame;
    if (slot->state != SLOT_READY)
        return;
    log_notice("worker drains slot=%u generation=%llu pid=%d", slot->index,
               (unsigned long long)slot->generation->number, (int)slot->pid);
    slot_enter_for(slot, SLOT_DRAINING,
                   (double)slot->generation->config->daemon.shutdown_timeout_ms / 1000);
}

static void on_gave(struct slot *slot, const struct ipc_frame *frame)
{
    struct supervisor *supervisor = slot->supervisor;
    struct message_gave gave;

    if (frame->size != sizeof(gave))
        return;
    memcpy(&gave, frame->payload, sizeof(gave));
    supervisor->events->on_gave(slot->generation, &gave, supervisor->user);
}

static void on_told(struct slot *slot, const struct ipc_frame *frame)
{
    slot->supervisor->events->on_told(slot, frame, slot->supervisor->user);
}

static void (*const on_message[MESSAGE_COUNT])(struct slot *slot, const struct ipc_frame *frame) = {
    [MESSAGE_READY] = on_ready,
    [MESSAGE_DRAINING] = on_draining,
    [MESSAGE_GAVE] = on_gave,
    [MESSAGE_TOLD] = on_told,
};

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    struct slot *slot = user;

    (void)ipc;
    if (frame->type < MESSAGE_COUNT && on_message[frame->type] != NULL)
        on_message[frame->type](slot, frame);
    else
        log_warning("unexpected message slot=%u message=%s", slot->index,
                    message_name(frame->type));
    ipc_close_fds(frame);
}

/* An end is followed by the news of its death.  A worker that breaks the rules is not kept. */
static void on_channel_close(struct ipc *ipc, int error, void *user)
{
    struct slot *slot = user;

    slot->supervisor->events->on_lost(slot, slot->supervisor->user);
    ipc_free(ipc);
    slot->ipc = NULL;
    if (error == 0 || error == -ECONNRESET)
        return;
    log_code(LOG_LEVEL_ERROR, error, "channel failed slot=%u pid=%d", slot->index, (int)slot->pid);
    if (slot_is_occupied(slot))
        kill(slot->pid, SIGKILL);
}

const struct ipc_events reports_events = {
    .on_frame = on_frame,
    .on_close = on_channel_close,
};
