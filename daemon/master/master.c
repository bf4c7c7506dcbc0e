/* SPDX-License-Identifier: MIT
 *
 * Start and stop.
 */
#include "master.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "descriptors.h"
#include "detach.h"
#include "diff.h"
#include "estate.h"
#include "hang.h"
#include "listeners.h"
#include "log.h"
#include "master_internal.h"
#include "program.h"
#include "received.h"
#include "scoreboard.h"
#include "signals.h"
#include "slot.h"
#include "status.h"
#include "systemd.h"
#include "tuning.h"

void master_enter(struct master *master, enum master_state state)
{
    assert(state > master->state);
    master->state = state;
}

json_t *master_status(const struct master *master)
{
    static const char *const names[] = {
        [MASTER_STARTING] = "starting",
        [MASTER_RUNNING] = "running",
        [MASTER_DRAINING] = "draining",
        [MASTER_STOPPING] = "stopping",
    };
    struct status status = {
        .generations = &master->generations,
        .scoreboard = master->scoreboard,
        .history = &master->history,
        .counters = &master->counters,
        .drains = &master->drains,
        .timeline = &master->timeline,
        .state = names[master->state],
        .keepers = master->keepers,
        .started = master->started,
        .uptime_s = (uint64_t)(clock_s() - master->started_at),
    };

    return status_json(&status);
}

/* --- Life --- */

/* Is there another daemon that works with the same pid file? */
static bool is_alone(const struct config *config)
{
    pid_t holder = 0;

    if (config->daemon.pid_file != NULL)
        holder = pid_file_holder(config->daemon.pid_file);
    if (holder != 0)
        log_error("%s: [prongd] pid_file: %s: held by a running prongd pid=%d", config->file,
                  config->daemon.pid_file, (int)holder);
    return holder == 0;
}

/* Whom would a script of root's kill that believes the file? */
static bool may_write_pid_file(const struct config *config)
{
    const char *path = config->daemon.pid_file;
    int error = path != NULL ? pid_file_check(path) : 0;

    if (error == -EPERM)
        log_error("%s: [prongd] pid_file: %s: others than root may write to its directory",
                  config->file, path);
    else if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "%s: [prongd] pid_file: %s", config->file, path);
    return error == 0;
}

static bool open_control(struct master *master, const struct config *config)
{
    char problem[256];

    if (config->daemon.control_socket == NULL)
        return true;
    master->control = control_open(master->loop, config->daemon.control_socket, command_table,
                                   master, problem, sizeof(problem));
    if (master->control == NULL)
        log_error("%s: [prongd] %s", config->file, problem);
    return master->control != NULL;
}

static int open_log(const struct config_daemon *daemon)
{
    log_set_format((enum log_format)daemon->log_format);
    return log_open(daemon->log_target, (enum log_level)daemon->log_level);
}

/* Everything opened here is opened before the first fork.  Problems go to stderr still; the log
 * changes to its own target only when the start can no longer fail for them. */
static bool prepare(struct master *master, struct config *config)
{
    const struct config_daemon *daemon = &config->daemon;
    struct generation_plan plan = {.number = ++master->last_generation,
                                   .config = config,
                                   .registry = master->listeners,
                                   .keepers = master->keepers,
                                   .shared = &master->commons,
                                   .scoreboard = master->scoreboard};
    struct generation *generation;
    char problem[512];
    int error;

    received_adopt(master->listeners, config);
    if (keepers_check(config, problem, sizeof(problem)) < 0 ||
        keepers_prepare(master->keepers, config, problem, sizeof(problem)) < 0) {
        config_free(config);
        log_error("%s", problem);
        notify_failed(master->notify, problem);
        return false;
    }
    generation = generation_new(&plan, problem, sizeof(problem));
    if (generation == NULL || observation_prepare(master->observation, generation->config, problem,
                                                  sizeof(problem)) < 0) {
        generation_free(generation);
        log_error("%s", problem);
        notify_failed(master->notify, problem);
        return false;
    }
    generation_list_append(&master->generations, generation);
    tuning_apply(generation);
    if (!open_control(master, config) || !signals_start(master))
        return false;
    detach_silence();
    error = open_log(daemon);
    if (error == 0)
        return true;
    snprintf(problem, sizeof(problem), "%s: [prongd] log_target: %s: %s", config->file,
             daemon->log_target, strerror(-error));
    log_error("%s", problem);
    notify_failed(master->notify, problem);
    detach_report(EXIT_FAILURE, problem);
    return false;
}

static bool init(struct master *master, const struct master_entries *entries)
{
    memset(master, 0, sizeof(*master));
    master->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    master->scoreboard = scoreboard_new();
    master->listeners = listeners_new();
    master->reload = reload_new(master);
    master->upkeep = upkeep_new(master);
    master->hang = hang_new(master);
    master->upgrade = upgrade_new(master);
    master->notify = notify_new(master);
    master->observation = observation_new(master, entries->observer);
    master->keepers = keepers_new(master, entries->keeper);
    if (master->keepers == NULL || master->observation == NULL || master->notify == NULL ||
        master->upgrade == NULL || master->upkeep == NULL || master->hang == NULL ||
        master->reload == NULL || master->loop == NULL || master->scoreboard == NULL ||
        master->listeners == NULL) {
        log_error("the system gives no memory or no descriptors");
        return false;
    }
    waiting_init(&master->stopping, master->loop, master_describe_rest, master);
    waiting_init(&master->sleeping, master->loop, master_describe_rest, master);
    master->surveys = (struct surveys){
        .loop = master->loop, .generations = &master->generations, .keepers = master->keepers};
    master->started = time(NULL);
    master->started_at = clock_s();
    return true;
}

/* Without effect outside this process. */
static void abandon(struct master *master)
{
    struct generation *next;

    signals_stop(master);
    notify_free(master->notify);
    observation_free(master->observation, false);
    keepers_free(master->keepers);
    upgrade_free(master->upgrade);
    upkeep_free(master->upkeep);
    hang_free(master->hang);
    reload_abandon(master->reload);
    diff_clear(master, NULL);
    waiting_clear(&master->stopping, NULL);
    waiting_clear(&master->sleeping, NULL);
    survey_clear(&master->surveys, NULL);
    control_abandon(master->control);
    pid_file_close(&master->pid_file);
    for (struct generation *generation = master->generations.first; generation != NULL;
         generation = next) {
        next = generation->next;
        generation_abandon(generation);
    }
    history_clear(&master->history);
    drains_clear(&master->drains);
    commons_clear(&master->commons);
    listeners_free(master->listeners);
    if (master->loop != NULL)
        ev_loop_destroy(master->loop);
}

void master_leave_behind(struct master *master)
{
    systemd_forget();
    detach_abandon();
    supervisor_clear(&master->supervisor);
    abandon(master);
}

/* Files go first; then what would go with the process anyway. */
static void clear(struct master *master)
{
    struct generation *generation;

    while ((generation = master->generations.first) != NULL) {
        generation_list_remove(&master->generations, generation);
        generation_free(generation);
    }
    pid_file_remove(&master->pid_file);
    reload_free(master->reload);
    master->reload = NULL;
    diff_clear(master, json_pack("{s:b, s:s, s:i}", "ok", 0, "error", "the daemon stops", "exit",
                                 EXIT_FAILURE));
    waiting_clear(&master->stopping, json_pack("{s:b}", "ok", 1));
    waiting_clear(&master->sleeping, json_pack("{s:b}", "ok", 1));
    control_close(master->control);
    master->control = NULL;
    observation_free(master->observation, true);
    master->observation = NULL;
    abandon(master);
    scoreboard_free(master->scoreboard);
}

/* What the program before this one had.  A service that runs is not given up for a configuration
 * that does not load: its workers serve on. */
static bool take_over(struct master *master, struct config *config, const char *problem)
{
    char reason[256];
    int estate = master->program->estate;

    if (estate_adopt(master, estate, reason, sizeof(reason)) < 0) {
        log_error("upgrade failed: %s", reason);
        upgrade_go_back(master->program, estate);
        config_free(config);
        return false;
    }
    (void)estate_set_inheritable(estate, false);
    close(estate_image_fd(estate));
    close(estate);
    if (!signals_start(master) || (config != NULL && open_log(&config->daemon) < 0))
        log_error("the new program goes on without signals or without its log");
    master_enter(master, MASTER_RUNNING);
    listeners_keep(master->listeners, false);
    upkeep_start(master->upkeep);
    hang_start(master->hang);
    master->counters.upgrades++;
    timeline_add(&master->timeline, TIMELINE_UPGRADE, master->last_generation, PRONG_VERSION);
    log_notice("upgraded version=%s", PRONG_VERSION);
    reload_take_over(master->reload, config, problem, master->successor_client);
    supervisor_reap(&master->supervisor);
    return true;
}

static bool start(struct master *master, struct config *config)
{
    if (!prepare(master, config))
        return false;
    supervisor_start(&master->supervisor, master->generations.first);
    timeline_add(&master->timeline, TIMELINE_START, 1, PRONG_VERSION);
    return true;
}

int master_run(struct config *config, const struct prongd_handler *const *handlers,
               const struct master_entries *entries, const struct program *program,
               const char *problem)
{
    struct master master;
    bool follows = program->estate >= 0, is_up;

    log_set_role("master", 0, -1);
    if (!init(&master, entries) ||
        (!follows && (!is_alone(config) || !may_write_pid_file(config)))) {
        config_free(config);
        clear(&master);
        return EXIT_FAILURE;
    }
    master.handlers = handlers;
    master.program = program;
    supervisor_init(&master.supervisor, master.loop, &master.generations, entries->worker,
                    &master_supervisor_events, &master);
    supervisor_count(&master.supervisor, &master.counters, &master.timeline);
    notify_start(master.notify);
    is_up = follows ? take_over(&master, config, problem) : start(&master, config);
    if (is_up)
        ev_run(master.loop, 0);
    else
        master.exit_status = EXIT_FAILURE;
    supervisor_clear(&master.supervisor);
    if (master.exit_status == EXIT_SUCCESS)
        log_notice("stopped");
    clear(&master);
    return master.exit_status;
}

int master_check_estate(int estate, const struct config *config,
                        const struct prongd_handler *const *handlers, char *problem, size_t size)
{
    return estate_check(estate, config, handlers, problem, size);
}

int master_check(const struct config *config, char *problem, size_t size)
{
    struct privileges identity;
    char reason[256];
    bool changes;
    uid_t owner;
    gid_t group;
    int error;

    error = generation_find_identity(config, &changes, &identity, problem, size);
    if (error == 0)
        error = keepers_check(config, problem, size);
    if (error == 0)
        error = descriptors_raise(config, problem, size);
    for (size_t i = 0; error == 0 && i < config->server_count; i++) {
        error = listeners_find_owner(config->servers[i], &owner, &group, reason, sizeof(reason));
        if (error < 0)
            snprintf(problem, size, "%s: [server %s] %s", config->file, config->servers[i]->name,
                     reason);
    }
    return error;
}
