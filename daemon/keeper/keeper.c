/* SPDX-License-Identifier: MIT
 *
 * Its states, what the master is told, its beginning and end.
 */
#include "keeper.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "access_log.h"
#include "account.h"
#include "environment.h"
#include "ipc.h"
#include "keeper_internal.h"
#include "keeping.h"
#include "listing.h"
#include "log.h"
#include "message.h"
#include "process.h"
#include "remnant.h"
#include "rights.h"
#include "scoreboard.h"
#include "title.h"

/* How soon the master hears of what has changed. */
#define REPORT_S 0.1

void keeper_enter(struct keeper *keeper, enum keeper_state state)
{
    assert(state > keeper->state);
    keeper->state = state;
    if (state == KEEPER_ENDING)
        ev_io_stop(keeper->loop, &keeper->work);
}

void keeper_conclude(struct keeper *keeper)
{
    if (keeper->state == KEEPER_ENDING && keeper->runs.count == 0 && keeper->remnants == NULL &&
        !keeper->holds)
        ev_break(keeper->loop, EVBREAK_ALL);
}

/* --- Telling the master --- */

void keeper_report_soon(struct keeper *keeper)
{
    if (!ev_is_active(&keeper->report))
        ev_timer_start(keeper->loop, &keeper->report);
}

void keeper_report(struct keeper *keeper)
{
    keeper->programs.running = keeper->runs.count;
    if (keeper->channel != NULL)
        (void)ipc_send(keeper->channel, MESSAGE_PROGRAMS, &keeper->programs,
                       sizeof(keeper->programs), NULL, 0);
}

/* A master that does not listen is told later. */
static void on_report(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct keeper *keeper = timer->data;

    (void)loop;
    (void)revents;
    if (keeper->channel != NULL && ipc_queued(keeper->channel) > 0)
        keeper_report_soon(keeper);
    else
        keeper_report(keeper);
}

void keeper_tell(struct keeper *keeper, const struct message_told *told, size_t size, int fd)
{
    if (keeper->channel != NULL)
        (void)ipc_send(keeper->channel, MESSAGE_TOLD, told, size, &fd, fd >= 0 ? 1 : 0);
}

/* --- Life --- */

static void watch(struct keeper *keeper)
{
    ev_timer_init(&keeper->report, on_report, REPORT_S, 0.);
    keeper->report.data = keeper;
    children_start(keeper);
    orders_init(keeper);
    jobs_start(keeper);
}

static int prepare(struct keeper *keeper)
{
    struct keeping *keeping = keeper->keeping;
    int error;

    process_fill_streams();
    error = rights_drop(keeping);
    if (error < 0)
        return error;
    keeper->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    keeper->environment = environment_new(keeping->environment);
    if (keeper->loop == NULL || keeper->environment == NULL)
        return -ENOMEM;
    keeper->channel = ipc_new(keeper->loop, keeping->channel_fd, &keeper_channel_events, keeper);
    if (keeper->channel == NULL)
        return -ENOMEM;
    allowance_init(&keeper->allowance, keeping);
    error = account_open(&keeper->access_log, keeper->loop, keeping);
    if (error < 0)
        return error;
    watch(keeper);
    process_set_signals();
    return 0;
}

static void clear(struct keeper *keeper)
{
    keeper_report(keeper);
    listing_stop_all(keeper);
    remnants_clear(keeper);
    ipc_free(keeper->channel);
    access_log_free(keeper->access_log);
    environment_free(keeper->environment);
    if (keeper->loop != NULL)
        ev_loop_destroy(keeper->loop);
    close(keeper->keeping->work_fd);
    scoreboard_free(keeper->keeping->scoreboard);
    keeping_free(keeper->keeping);
}

int keeper_run(struct keeping *keeping)
{
    struct keeper keeper = {.keeping = keeping};
    int error;

    log_set_role("keeper", 0, -1);
    title_set("keeper %s", keeping->server);
    error = prepare(&keeper);
    if (error == 0)
        ev_run(keeper.loop, 0);
    else
        log_code(LOG_LEVEL_ERROR, error, "the keeper cannot start server=%s", keeping->server);
    clear(&keeper);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
