/* SPDX-License-Identifier: MIT
 *
 * The transaction of a reload.
 */
#include "reload.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "control.h"
#include "generation.h"
#include "log.h"
#include "master_internal.h"
#include "pairing.h"
#include "supervisor.h"

/* What prongctl exits with when the configuration is refused. */
#define EXIT_CONFIGURATION 2

enum reload_state {
    RELOAD_IDLE,
    RELOAD_PREPARE, /* the next generation starts */
    RELOAD_ROLLBACK /* it failed and is being stopped */
};

/* A client that is owed an answer. */
struct waiter {
    struct waiter *next;
    struct control_client *client;
    bool waits;     /* until the old generation is gone */
    uint64_t until; /* that generation; 0: the transaction has not come to its end yet */
};

/* A generation that leaves, and what became of its connections. */
struct leaver {
    struct leaver *next;
    uint64_t generation;
    uint64_t successor;
    uint32_t moved;
    uint32_t kept;
    ev_tstamp since;
};

struct reload {
    struct master *master;
    enum reload_state state;
    struct generation *generation; /* the next one, while PREPARE or ROLLBACK */
    struct waiter *waiters;        /* of this transaction, and of those that leave */
    struct waiter *queue;          /* of the next one */
    struct leaver *leavers;
    bool is_queued;
    ev_timer start; /* the next transaction begins from the loop */
};

/* --- Answers --- */

static void add_waiter(struct waiter **list, struct control_client *client, bool waits)
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
    waiter->waits = waits;
    waiter->next = *list;
    *list = waiter;
}

/* Answers those for whom `is_due`; takes `answer`. */
static void answer(struct reload *reload, bool (*is_due)(const struct waiter *, uint64_t),
                   uint64_t generation, json_t *text)
{
    struct waiter **link = &reload->waiters;

    while (*link != NULL) {
        struct waiter *waiter = *link;

        if (!is_due(waiter, generation)) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        control_answer(waiter->client, json_incref(text));
        free(waiter);
    }
    json_decref(text);
}

static bool of_transaction(const struct waiter *waiter, uint64_t generation)
{
    (void)generation;
    return waiter->until == 0;
}

static bool of_leaver(const struct waiter *waiter, uint64_t generation)
{
    return waiter->until == generation;
}

/* --- The end of a transaction --- */

static void begin_next(struct reload *reload)
{
    reload->state = RELOAD_IDLE;
    reload->generation = NULL;
    if (reload->is_queued)
        ev_timer_start(reload->master->loop, &reload->start);
}

/* The old generation serves on. */
static void refuse(struct reload *reload, const char *why, int status)
{
    log_error("reload refused: %s", why);
    notify_reloaded(reload->master->notify, why);
    answer(reload, of_transaction, 0,
           json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", status));
}

static void refuse_configuration(struct reload *reload, const struct config_problems *problems)
{
    char *line, *rest, *text = strdup(problems->text);

    for (line = text; line != NULL && (rest = strchr(line, '\n')) != NULL; line = rest + 1) {
        *rest = '\0';
        log_error("reload refused: %s", line);
    }
    free(text);
    notify_reloaded(reload->master->notify, problems->text);
    answer(reload, of_transaction, 0,
           json_pack("{s:b, s:s, s:i}", "ok", 0, "error", problems->text, "exit",
                     problems->system ? EXIT_FAILURE : EXIT_CONFIGURATION));
    begin_next(reload);
}

/* --- Commit --- */

static void add_leaver(struct reload *reload, const struct generation *generation)
{
    struct leaver *leaver = calloc(1, sizeof(*leaver));

    if (leaver == NULL)
        return; /* only the figures are lost */
    leaver->generation = generation->number;
    leaver->successor = reload->generation->number;
    leaver->since = ev_now(reload->master->loop);
    leaver->next = reload->leavers;
    reload->leavers = leaver;
}

static struct leaver *find_leaver(const struct reload *reload, uint64_t generation)
{
    struct leaver *leaver = reload->leavers;

    while (leaver != NULL && leaver->generation != generation)
        leaver = leaver->next;
    return leaver;
}

static json_t *describe(const struct reload *reload, const struct leaver *leaver)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:f}", "ok", 1, "generation",
                     (json_int_t)leaver->successor, "replaced", (json_int_t)leaver->generation,
                     "moved", (json_int_t)leaver->moved, "drained", (json_int_t)leaver->kept,
                     "seconds", ev_now(reload->master->loop) - leaver->since);
}

/* Those who wait for the end of the old generation go on waiting; the others have their answer. */
static void answer_commit(struct reload *reload, uint64_t old)
{
    for (struct waiter *waiter = reload->waiters; waiter != NULL; waiter = waiter->next) {
        if (waiter->until == 0 && waiter->waits)
            waiter->until = old;
    }
    answer(reload, of_transaction, 0,
           json_pack("{s:b, s:I}", "ok", 1, "generation", (json_int_t)reload->generation->number));
}

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
        add_leaver(reload, generation);
        supervisor_leave(&master->supervisor, generation,
                         generation->config->daemon.shutdown_timeout_ms);
        generation_release_listeners(generation);
    }
    log_notice("reloaded generation=%llu workers=%u", (unsigned long long)next->number,
               next->slot_count);
    notify_reloaded(master->notify, NULL);
    answer_commit(reload, old);
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
    char problem[512];

    close_oldest(master);
    reload->generation =
        generation_new(++master->last_generation, config, wanted_workers(master, config),
                       master->listeners, master->scoreboard, problem, sizeof(problem));
    if (reload->generation == NULL) {
        refuse(reload, problem, EXIT_FAILURE);
        begin_next(reload);
        return;
    }
    reload->state = RELOAD_PREPARE;
    generation_list_append(&master->generations, reload->generation);
    supervisor_start(&master->supervisor, reload->generation);
}

static void run(struct reload *reload)
{
    const struct generation *current = generation_list_current(&reload->master->generations);
    struct config_problems problems = {0};
    struct config *config;

    reload->is_queued = false;
    notify_reloading(reload->master->notify);
    if (current == NULL) {
        refuse(reload, "the service does not run", EXIT_FAILURE);
        return;
    }
    config = config_load(current->config->file, reload->master->handlers, &problems);
    if (config != NULL)
        prepare(reload, config);
    else
        refuse_configuration(reload, &problems);
    config_problems_clear(&problems);
}

static void on_start(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct reload *reload = timer->data;
    struct waiter **link = &reload->waiters;

    (void)loop;
    (void)revents;
    while (*link != NULL)
        link = &(*link)->next;
    *link = reload->queue;
    reload->queue = NULL;
    run(reload);
}

void reload_request(struct reload *reload, struct control_client *client, bool waits)
{
    if (reload->master->state != MASTER_RUNNING) {
        if (client != NULL)
            control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                                             "the service is starting or stopping", "exit", 1));
        return;
    }
    add_waiter(&reload->queue, client, waits);
    reload->is_queued = true;
    if (reload->state == RELOAD_IDLE)
        ev_timer_start(reload->master->loop, &reload->start);
    else
        log_notice("reload queued behind the running one");
}

void reload_take_over(struct reload *reload, struct config *config, const char *problem,
                      struct control_client *client)
{
    add_waiter(&reload->waiters, client, true);
    notify_reloading(reload->master->notify);
    if (config != NULL)
        prepare(reload, config);
    else
        refuse(reload, problem, EXIT_CONFIGURATION);
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
    refuse(reload, why, EXIT_CONFIGURATION);
    return true;
}

void reload_on_gave(struct reload *reload, const struct generation *generation, uint32_t moved,
                    uint32_t kept)
{
    struct leaver *leaver = find_leaver(reload, generation->number);

    if (leaver == NULL)
        return;
    leaver->moved += moved;
    leaver->kept += kept;
}

void reload_on_gone(struct reload *reload, const struct generation *generation)
{
    struct leaver **link = &reload->leavers;

    if (reload->state == RELOAD_ROLLBACK && generation == reload->generation)
        begin_next(reload);
    while (*link != NULL && (*link)->generation != generation->number)
        link = &(*link)->next;
    if (*link != NULL) {
        struct leaver *leaver = *link;

        log_notice("generation gone generation=%llu moved=%u drained=%u seconds=%.3f",
                   (unsigned long long)leaver->generation, leaver->moved, leaver->kept,
                   ev_now(reload->master->loop) - leaver->since);
        answer(reload, of_leaver, generation->number, describe(reload, leaver));
        *link = leaver->next;
        free(leaver);
    }
}

/* --- Life --- */

struct reload *reload_new(struct master *master)
{
    struct reload *reload = calloc(1, sizeof(*reload));

    if (reload == NULL)
        return NULL;
    reload->master = master;
    ev_timer_init(&reload->start, on_start, 0., 0.);
    reload->start.data = reload;
    return reload;
}

static void free_waiters(struct waiter *waiter, bool answered)
{
    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        if (answered)
            control_answer(waiter->client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                                                     "the daemon stops", "exit", 1));
        free(waiter);
        waiter = next;
    }
}

void reload_abandon(struct reload *reload)
{
    if (reload == NULL)
        return;
    ev_timer_stop(reload->master->loop, &reload->start);
    free_waiters(reload->waiters, false);
    free_waiters(reload->queue, false);
    while (reload->leavers != NULL) {
        struct leaver *leaver = reload->leavers;

        reload->leavers = leaver->next;
        free(leaver);
    }
    free(reload);
}

void reload_free(struct reload *reload)
{
    if (reload == NULL)
        return;
    free_waiters(reload->waiters, true);
    free_waiters(reload->queue, true);
    reload->waiters = reload->queue = NULL;
    reload_abandon(reload);
}
