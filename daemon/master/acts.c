/* SPDX-License-Identifier: MIT
 *
 * What signals and commands have the master do.
 */
#include <jansson.h>
#include <stdlib.h>

#include "access_files.h"
#include "config.h"
#include "listeners.h"
#include "log.h"
#include "master_internal.h"
#include "progress.h"

/* --- Stopping --- */

void master_stop_now(struct master *master)
{
    struct generation *generation;

    if (master->state == MASTER_STOPPING)
        return;
    log_notice("stopping at once");
    master_enter(master, MASTER_STOPPING);
    notify_stopping(master->notify);
    observation_tell(master->observation);
    listeners_keep(master->listeners, true);
    keepers_terminate(master->keepers, 0);
    for (generation = master->generations.first; generation != NULL; generation = generation->next)
        supervisor_stop(&master->supervisor, generation);
}

void master_stop(struct master *master)
{
    const struct generation *current = generation_list_current(&master->generations);
    struct generation *generation;

    if (master->state >= MASTER_DRAINING) {
        master_stop_now(master);
        return;
    }
    if (current != NULL)
        keepers_terminate(master->keepers, current->config->daemon.shutdown_timeout_ms);
    log_notice("stopping");
    master_enter(master, MASTER_DRAINING);
    notify_stopping(master->notify);
    observation_tell(master->observation);
    listeners_keep(master->listeners, true);
    for (generation = master->generations.first; generation != NULL;
         generation = generation->next) {
        supervisor_drain(&master->supervisor, generation,
                         generation->config->daemon.shutdown_timeout_ms);
        generation_release_listeners(generation);
    }
}

void master_sleep(struct master *master, struct control_client *client)
{
    struct generation *current = generation_list_current(&master->generations);

    waiting_add(&master->sleeping, client, true, false);
    if (master->state == MASTER_RUNNING && current != NULL)
        supervisor_sleep(&master->supervisor, current);
    else
        waiting_end(&master->sleeping,
                    json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                              "the service is starting or stopping", "exit", EXIT_FAILURE));
}

json_t *master_describe_rest(uint64_t leaver, void *user)
{
    const struct master *master = user;
    json_t *progress = progress_stopping(&master->generations);

    (void)leaver;
    json_object_set_new(progress, "programs",
                        json_integer((json_int_t)keepers_running(master->keepers)));
    return progress;
}

/* --- The log --- */

int master_reopen_logs(struct master *master)
{
    int error = log_reopen(), access = access_files_reopen(&master->supervisor);

    supervisor_tell_all(&master->supervisor, MESSAGE_LOG_REOPEN, NULL, 0, log_file_fd());
    keepers_tell_all(master->keepers, MESSAGE_LOG_REOPEN, NULL, 0, log_file_fd());
    keepers_reopen_access(master->keepers);
    return error < 0 ? error : access;
}

void master_set_log_level(struct master *master, uint32_t level)
{
    log_set_level((enum log_level)level);
    supervisor_tell_all(&master->supervisor, MESSAGE_LOG_LEVEL, &level, sizeof(level), -1);
    keepers_tell_all(master->keepers, MESSAGE_LOG_LEVEL, &level, sizeof(level), -1);
}

/* --- Scaling --- */

void master_scale(struct master *master, unsigned workers, struct control_client *client)
{
    master->wanted_workers = workers;
    log_notice("workers wanted=%u", workers);
    reload_request(master->reload, client, true);
}
