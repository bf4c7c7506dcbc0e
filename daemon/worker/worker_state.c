/* SPDX-License-Identifier: MIT
 *
 * From serving to the end: leaving, draining, stopping.
 */
#include "worker_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accepting.h"
#include "access.h"
#include "exchange.h"
#include "farewell.h"
#include "log.h"
#include "message.h"
#include "service.h"

/* Connections may still come back from those to whom they were given. */
static void stop_accepting(struct worker *worker)
{
    worker->state = WORKER_LEAVING;
    for (size_t i = 0; i < worker->service_count; i++)
        accepting_end(&worker->services[i]);
}

void worker_drain(struct worker *worker)
{
    if (worker->state >= WORKER_DRAINING)
        return;
    if (exchange_is_giving(worker->exchange)) { /* on_given() will be back here */
        stop_accepting(worker);
        exchange_hurry(worker->exchange);
        return;
    }
    worker->state = WORKER_DRAINING;
    log_debug("worker drains");
    exchange_stop_taking(worker->exchange);
    for (size_t i = 0; i < worker->service_count; i++)
        service_drain(&worker->services[i]);
}

void worker_stop(struct worker *worker)
{
    if (worker->state == WORKER_STOPPING)
        return;
    worker->state = WORKER_STOPPING;
    log_debug("worker stops");
    exchange_stop(worker->exchange);
    for (size_t i = 0; i < worker->service_count; i++) {
        access_note_all(&worker->services[i],
                        worker->is_replaced ? ACCESS_END_WORKER : ACCESS_END_SHUTDOWN);
        service_stop(&worker->services[i]);
    }
}

void worker_leave(struct worker *worker)
{
    if (worker->state != WORKER_SERVING)
        return;
    log_debug("worker leaves");
    worker->is_replaced = true;
    stop_accepting(worker);
    exchange_give(worker->exchange, SIZE_MAX);
}

static void on_given(const struct exchange_result *result, void *user)
{
    struct worker *worker = user;
    struct message_gave gave = {
        .moved = result->moved, .kept = result->kept, .departed = result->departed};

    if (worker->channel != NULL)
        (void)ipc_send(worker->channel, MESSAGE_GAVE, &gave, sizeof(gave), NULL, 0);
    if (worker->state != WORKER_LEAVING)
        return;
    worker_drain(worker);
    for (size_t i = 0; i < worker->service_count; i++)
        farewell_start(&worker->farewells[i], worker->ev, &worker->services[i]);
}

const struct exchange_events worker_exchange_events = {.on_done = on_given};
