/* SPDX-License-Identifier: MIT
 *
 * The transaction of a reload.
 */
#include "reload.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"
#include "clock.h"
#include "compare.h"
#include "config.h"
#include "control.h"
#include "generation.h"
#include "leaving.h"
#include "live.h"
#include "log.h"
#include "master_internal.h"
#include "pairing.h"
#include "progress.h"
#include "rehearsal.h"
#include "supervisor.h"
#include "waiting.h"

/* What prongctl exits with when the configuration is refused. */
#define EXIT_CONFIGURATION 2

enum reload_state {
    RELOAD_IDLE,
    RELOAD_PLAN,    /* a child loads the configuration */
    RELOAD_PREPARE, /* the next generation starts */
    RELOAD_ROLLBACK /* it failed and is being stopped */
};

struct reload {
    struct master *master;
    enum reload_state state;
    struct rehearsal *rehearsal;   /* while PLAN */
    struct generation *generation; /* the next one, while PREPARE or ROLLBACK */
    struct waiting waiting;
    struct leaving leaving;
    struct live live;
    struct canary canary;
    bool is_queued; /* one transaction more was asked for */
    ev_timer start; /* the next transaction begins from the loop */
};

/* --- The end of a transaction --- */

static void begin_next(struct reload *reload)
{
    reload->state = RELOAD_IDLE;
    reload->generation = NULL;
    if (reload->is_queued)
        ev_timer_start(reload->master->loop, &reload->start);
}

static json_t *refusal(const char *why, int status)
{
    return json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", status);
}

/* The old generation serves on.  `why`: one line or several. */
static void refuse(struct reload *reload, const char *why, int status)
{
    char *text = strdup(why), *rest = NULL;

    reload->master->counters.reloads_refused++;
    timeline_add(&reload->master->timeline, TIMELINE_REFUSAL, reload->master->last_generation, why);
    live_rollback(&reload->live);
    observation_rollback(reload->master->observation);
    keepers_rollback(reload->master->keepers);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        log_error("reload refused: %s", line);
    free(text);
    notify_reloaded(reload->master->notify, why);
    waiting_end(&reload->waiting, refusal(why, status));
}

static void refuse_configuration(struct reload *reload, const struct config_problems *problems)
{
    refuse(reload, problems->text != NULL ? problems->text : "out of memory",
           problems->system ? EXIT_FAILURE : EXIT_CONFIGURATION);
    begin_next(reload);
}

/* --- Commit --- */

static void commit(struct reload *reload)
{
    struct master *master = reload->master;
    struct generation *generation, *next = reload->generation;
    uint64_t old = 0;

    supervisor_accept(&master->supervisor, next);
    for (generation = master->generations.first; generation != NULL;
         generation = generation->next) {
        if (generation == next || generation->state == GENERATION_STOPPING)
            continue;
        /* One that leaves already may have connections that are still on their way. */
        pairing_connect_all(generation, next);
        if (generation->state != GENERATION_SERVING)
            continue;
        old = generation->number;
        leaving_add(&reload->leaving, generation, next->number, clock_s());
        supervisor_leave(&master->supervisor, generation, next->config->daemon.shutdown_timeout_ms);
        generation_release_listeners(generation);
    }
    live_commit(&reload->live, master, next);
    drains_follow(&master->drains, next->config);
    observation_commit(master->observation, next);
    keepers_commit(master->keepers);
    master->counters.reloads++;
    timeline_add(&master->timeline, TIMELINE_RELOAD, next->number, "");
    log_notice("reloaded generation=%llu workers=%u", (unsigned long long)next->number,
               next->slot_count);
    notify_reloaded(master->notify, NULL);
    waiting_commit(&reload->waiting, old,
                   json_pack("{s:b, s:I}", "ok", 1, "generation", (json_int_t)next->number));
    begin_next(reload);
}

/* --- Plan and prepare --- */

static void close_oldest(struct master *master)
{
    struct generation *generation;
    unsigned alive = 0;

    for (generation = master->generations.first; generation != NULL; generation = generation->next)
        alive += generation->state != GENERATION_STOPPING;
    generation = master->generations.first;
    while (alive >= RELOAD_MAX_GENERATIONS && generation != NULL) {
        if (generation->state == GENERATION_DRAINING) {
            log_warning("generation closed for a newer one generation=%llu",
                        (unsigned long long)generation->number);
            supervisor_stop(&master->supervisor, generation);
            alive--;
        }
        generation = generation->next;
    }
}

/* What `prongctl workers` said holds until the file says something else. */
static unsigned wanted_workers(struct master *master, const struct config *config)
{
    if (config_workers(config) != master->configured_workers)
        master->wanted_workers = 0;
    master->configured_workers = config_workers(config);
    return master->wanted_workers;
}

static void prepare(struct reload *reload, struct config *config)
{
    struct master *master = reload->master;
    struct generation_plan plan = {.number = ++master->last_generation,
                                   .config = config,
                                   .workers = wanted_workers(master, config),
                                   .registry = master->listeners,
                                   .keepers = master->keepers,
                                   .shared = &master->commons,
                                   .scoreboard = master->scoreboard};
    char problem[512];

    close_oldest(master);
    reload->generation = NULL;
    if (keepers_prepare(master->keepers, config, problem, sizeof(problem)) == 0)
        reload->generation = generation_new(&plan, problem, sizeof(problem));
    else
        config_free(config);
    if (reload->generation != NULL &&
        observation_prepare(master->observation, config, problem, sizeof(problem)) < 0) {
        generation_free(reload->generation);
        reload->generation = NULL;
    }
    if (reload->generation == NULL) {
        refuse(reload, problem, EXIT_FAILURE);
        begin_next(reload);
        return;
    }
    reload->state = RELOAD_PREPARE;
    generation_list_append(&master->generations, reload->generation);
    if (config->daemon.canary_ms > 0 && generation_list_current(&master->generations) != NULL)
        supervisor_try(&master->supervisor, reload->generation);
    else
        supervisor_start(&master->supervisor, reload->generation);
}

/* The configuration is good: can the running service have it?  Takes `config`. */
static void begin(struct reload *reload, const struct generation *current, struct config *config)
{
    struct config_problems problems = {0};
    char problem[512];
    int error = 0;

    if (!compare_allows_reload(current->config, config, &problems)) {
        refuse_configuration(reload, &problems);
    } else if ((error = live_prepare(&reload->live, current->config, config)) < 0) {
        snprintf(problem, sizeof(problem), "%s: [prongd] log_target: %s: %s", config->file,
                 config->daemon.log_target, strerror(-error));
        refuse(reload, problem, EXIT_FAILURE);
        begin_next(reload);
    } else {
        prepare(reload, config);
        config = NULL;
    }
    config_problems_clear(&problems);
    config_free(config);
}

/* The child could load it, so the master does. */
static void load(struct reload *reload)
{
    const struct generation *current = generation_list_current(&reload->master->generations);
    struct config_problems problems = {0};
    struct config *config;

    if (current == NULL || reload->master->state != MASTER_RUNNING) {
        refuse(reload, "the service does not run", EXIT_FAILURE);
        begin_next(reload);
        return;
    }
    config = config_load(current->config->file, reload->master->handlers, &problems);
    if (config != NULL)
        begin(reload, current, config);
    else
        refuse_configuration(reload, &problems);
    config_problems_clear(&problems);
}

static void on_rehearsed(const struct config_problems *problems, void *user)
{
    struct reload *reload = user;

    reload->rehearsal = NULL;
    if (problems->count > 0)
        refuse_configuration(reload, problems);
    else
        load(reload);
}

static void run(struct reload *reload)
{
    const struct generation *current = generation_list_current(&reload->master->generations);

    reload->is_queued = false;
    notify_reloading(reload->master->notify);
    if (current == NULL) {
        refuse(reload, "the service does not run", EXIT_FAILURE);
        return;
    }
    reload->state = RELOAD_PLAN;
    reload->rehearsal = rehearsal_start(reload->master->loop, current->config->file,
                                        reload->master->handlers, on_rehearsed, reload);
    if (reload->rehearsal == NULL) {
        refuse(reload, strerror(errno), EXIT_FAILURE);
        begin_next(reload);
    }
}

static void on_start(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct reload *reload = timer->data;

    (void)loop;
    (void)revents;
    waiting_begin(&reload->waiting);
    run(reload);
}

void reload_request(struct reload *reload, struct control_client *client, bool waits)
{
    if (reload->master->state != MASTER_RUNNING) {
        if (client != NULL)
            control_answer(client, refusal("the service is starting or stopping", EXIT_FAILURE));
        return;
    }
    waiting_add(&reload->waiting, client, waits, true);
    reload->is_queued = true;
    if (reload->state == RELOAD_IDLE)
        ev_timer_start(reload->master->loop, &reload->start);
    else
        log_notice("reload queued behind the running one");
}

void reload_take_over(struct reload *reload, struct config *config, const char *problem,
                      struct control_client *client)
{
    const struct generation *current = generation_list_current(&reload->master->generations);

    waiting_add(&reload->waiting, client, true, false);
    notify_reloading(reload->master->notify);
    if (config == NULL)
        refuse(reload, problem, EXIT_CONFIGURATION);
    else if (current == NULL)
        prepare(reload, config);
    else
        begin(reload, current, config);
}

void reload_give_up_waiting(struct reload *reload)
{
    waiting_clear(&reload->waiting,
                  refusal("an upgrade came between, which reloads as well: see prongctl status",
                          EXIT_FAILURE));
}

/* --- The first worker alone --- */

static void on_passed(void *user)
{
    struct reload *reload = user;

    log_notice("canary passed generation=%llu", (unsigned long long)reload->generation->number);
    supervisor_start_rest(&reload->master->supervisor, reload->generation);
}

/* Its clients go on with the old workers; the transaction is over. */
static void on_worse(const char *why, void *user)
{
    struct reload *reload = user;
    struct master *master = reload->master;
    struct generation *current = generation_list_current(&master->generations);

    if (current != NULL)
        pairing_connect_all(reload->generation, current);
    supervisor_withdraw(&master->supervisor, reload->generation,
                        reload->generation->config->daemon.shutdown_timeout_ms);
    generation_release_listeners(reload->generation);
    refuse(reload, why, EXIT_FAILURE);
    begin_next(reload);
}

static const struct canary_events canary_events = {.on_passed = on_passed, .on_worse = on_worse};

void reload_on_trial(struct reload *reload, struct generation *generation)
{
    uint64_t duration_ms = generation->config->daemon.canary_ms;

    log_notice("canary serves generation=%llu seconds=%.0f", (unsigned long long)generation->number,
               (double)duration_ms / 1000);
    canary_start(&reload->canary, reload->master->loop, generation, duration_ms);
}

/* --- What the supervisor tells --- */

bool reload_on_ready(struct reload *reload, struct generation *generation)
{
    if (reload->state != RELOAD_PREPARE || generation != reload->generation)
        return false;
    commit(reload);
    return true;
}

bool reload_on_failed(struct reload *reload, struct generation *generation, const char *why)
{
    if (reload->state != RELOAD_PREPARE || generation != reload->generation)
        return false;
    reload->state = RELOAD_ROLLBACK;
    canary_stop(&reload->canary, reload->master->loop);
    refuse(reload, why, EXIT_CONFIGURATION);
    return true;
}

void reload_on_gave(struct reload *reload, const struct generation *generation,
                    const struct message_gave *gave)
{
    leaving_gave(&reload->leaving, generation, gave);
}

void reload_on_gone(struct reload *reload, const struct generation *generation)
{
    json_t *answer;

    if (generation == reload->canary.generation)
        canary_stop(&reload->canary, reload->master->loop);
    if (reload->state == RELOAD_ROLLBACK && generation == reload->generation)
        begin_next(reload);
    answer = leaving_end(&reload->leaving, generation, clock_s());
    if (answer != NULL)
        waiting_gone(&reload->waiting, generation->number, answer);
}

/* --- Progress --- */

static json_t *describe_progress(uint64_t leaver, void *user)
{
    struct reload *reload = user;
    const struct generation *generation = reload->master->generations.first;

    if (leaver == 0 && reload->canary.generation != NULL)
        return progress_trial(reload->generation, reload->canary.until - clock_s());
    if (leaver == 0 && reload->state == RELOAD_PLAN)
        return progress_check();
    if (leaver == 0)
        return reload->state == RELOAD_PREPARE ? progress_start(reload->generation) : NULL;
    while (generation != NULL && generation->number != leaver)
        generation = generation->next;
    return generation != NULL ? progress_leaving(generation) : NULL;
}

/* --- Life --- */

struct reload *reload_new(struct master *master)
{
    struct reload *reload = calloc(1, sizeof(*reload));

    if (reload == NULL)
        return NULL;
    reload->master = master;
    waiting_init(&reload->waiting, master->loop, describe_progress, reload);
    canary_init(&reload->canary, &master->generations, &canary_events, reload);
    ev_timer_init(&reload->start, on_start, 0., 0.);
    reload->start.data = reload;
    return reload;
}

static void clear(struct reload *reload, json_t *answer)
{
    if (reload == NULL)
        return;
    ev_timer_stop(reload->master->loop, &reload->start);
    canary_stop(&reload->canary, reload->master->loop);
    waiting_clear(&reload->waiting, answer);
    leaving_clear(&reload->leaving);
    live_clear(&reload->live);
    free(reload);
}

void reload_abandon(struct reload *reload)
{
    if (reload != NULL)
        rehearsal_abandon(reload->rehearsal);
    clear(reload, NULL);
}

void reload_free(struct reload *reload)
{
    if (reload != NULL)
        rehearsal_free(reload->rehearsal);
    clear(reload, refusal("the daemon stops", EXIT_FAILURE));
}
