/* SPDX-License-Identifier: MIT
 *
 * What the supervisor tells the master: workers that are ready, generations that are gone.
 */
#include <ev.h>
#include <prong/address.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "detach.h"
#include "hang.h"
#include "listeners.h"
#include "log.h"
#include "master_internal.h"
#include "message.h"

static void log_ready(const struct generation *generation)
{
    char address[PRONG_ADDRESS_TEXT_SIZE], list[1024] = "";

    for (size_t i = 0; i < generation->listener_count; i++) {
        const struct listener *listener = generation->listeners[i].listener;
        size_t used = strlen(list);

        if (listener->nth > 0)
            continue;
        prong_address_format(&listener->address, address, sizeof(address));
        snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? "," : "", address);
    }
    log_notice("ready workers=%u generation=%llu addresses=%s", generation->slot_count,
               (unsigned long long)generation->number, list);
}

static void on_ready(struct generation *generation, void *user)
{
    struct master *master = user;
    const char *pid_file = generation->config->daemon.pid_file;
    int error;

    if (reload_on_ready(master->reload, generation))
        return;
    supervisor_accept(&master->supervisor, generation);
    master->configured_workers = config_workers(generation->config);
    upkeep_start(master->upkeep);
    hang_start(master->hang);
    master_enter(master, MASTER_RUNNING);
    if (pid_file != NULL) {
        error = pid_file_write(&master->pid_file, pid_file);
        if (error < 0)
            log_code(LOG_LEVEL_ERROR, error, "pid file cannot be written path=%s", pid_file);
    }
    listeners_keep(master->listeners, false);
    observation_commit(master->observation, generation);
    keepers_commit(master->keepers);
    notify_ready(master->notify);
    detach_report(EXIT_SUCCESS, NULL);
    log_ready(generation);
}

static void on_trial(struct generation *generation, void *user)
{
    struct master *master = user;

    reload_on_trial(master->reload, generation);
}

static void on_failed(struct generation *generation, const char *why, void *user)
{
    struct master *master = user;

    if (reload_on_failed(master->reload, generation, why))
        return;
    log_error("start failed: %s", why);
    notify_failed(master->notify, why);
    detach_report(EXIT_FAILURE, why);
    master->exit_status = EXIT_FAILURE;
    master_enter(master, MASTER_STOPPING);
}

static void on_gave(struct generation *generation, const struct message_gave *gave, void *user)
{
    struct master *master = user;

    master->counters.moved += gave->moved;
    master->counters.drained += gave->kept;
    reload_on_gave(master->reload, generation, gave);
}

static void on_worker(const struct slot *slot, void *user)
{
    const struct master *master = user;

    drains_tell(&master->drains, slot);
}

static void on_told(const struct slot *slot, const struct ipc_frame *frame, void *user)
{
    struct master *master = user;

    survey_on_told(&master->surveys, slot, frame);
}

static void on_lost(const struct slot *slot, void *user)
{
    struct master *master = user;

    survey_on_lost(&master->surveys, slot);
}

static void on_asleep(struct generation *generation, void *user)
{
    struct master *master = user;

    log_notice("workers have ended generation=%llu", (unsigned long long)generation->number);
    waiting_end(&master->sleeping, json_pack("{s:b}", "ok", 1));
}

static void on_gone(struct generation *generation, void *user)
{
    struct master *master = user;

    if (generation->sleeps)
        waiting_end(&master->sleeping, json_pack("{s:b}", "ok", 1));

    reload_on_gone(master->reload, generation);

    generation_list_remove(&master->generations, generation);
    history_add(&master->history, generation, master->scoreboard);
    generation_free(generation);
    keepers_sweep(master->keepers);
    master_end_when_alone(master);
}

void master_end_when_alone(struct master *master)
{
    if (master->generations.first == NULL && keepers_are_gone(master->keepers))
        ev_break(master->loop, EVBREAK_ALL);
}

static void on_other_child(pid_t pid, int status, void *user)
{
    struct master *master = user;

    if (keepers_on_child(master->keepers, pid, status))
        master_end_when_alone(master);
    else if (!observation_on_child(master->observation, pid, status))
        (void)upgrade_on_child(master->upgrade, pid, status);
}

static void on_child(void *user)
{
    master_leave_behind(user);
}

const struct supervisor_events master_supervisor_events = {
    .on_ready = on_ready,
    .on_trial = on_trial,
    .on_failed = on_failed,
    .on_gave = on_gave,
    .on_worker = on_worker,
    .on_told = on_told,
    .on_lost = on_lost,
    .on_asleep = on_asleep,
    .on_gone = on_gone,
    .on_other_child = on_other_child,
    .on_child = on_child,
};
