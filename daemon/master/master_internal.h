/* SPDX-License-Identifier: MIT
 *
 * Inside the master: what its signals, its commands and its reload share.
 */
#ifndef PRONGD_MASTER_INTERNAL_H
#define PRONGD_MASTER_INTERNAL_H

#include <ev.h>
#include <prongd/handler.h>
#include <stdint.h>
#include <time.h>

#include "commons.h"
#include "control.h"
#include "counters.h"
#include "drains.h"
#include "generation.h"
#include "history.h"
#include "keepers.h"
#include "notify.h"
#include "observation.h"
#include "pid_file.h"
#include "reload.h"
#include "supervisor.h"
#include "survey.h"
#include "timeline.h"
#include "upgrade.h"
#include "upkeep.h"
#include "waiting.h"

/*  STARTING → RUNNING → DRAINING → STOPPING       STARTING, RUNNING → STOPPING */
enum master_state {
    MASTER_STARTING, /* its first generation is not ready yet */
    MASTER_RUNNING,
    MASTER_DRAINING, /* told to stop: connections may finish */
    MASTER_STOPPING  /* told again, or it could not start: workers end now */
};

struct diff;
struct hang;

struct master {
    enum master_state state;
    int exit_status;
    struct ev_loop *loop;
    struct scoreboard *scoreboard;
    struct listeners *listeners;
    struct commons commons;
    struct generation_list generations;
    struct history history; /* of those that are gone */
    struct counters counters;
    struct timeline timeline;
    struct supervisor supervisor;
    uint64_t last_generation; /* the number given last */
    struct reload *reload;
    struct upgrade *upgrade;
    const struct program *program;
    struct control_client *successor_client; /* asked the program before this one for an upgrade */
    struct upkeep *upkeep;
    struct hang *hang;
    struct notify *notify;
    struct observation *observation;
    struct keepers *keepers;
    unsigned configured_workers; /* by the file that was loaded last */
    unsigned wanted_workers;     /* by an operator since then; 0: nobody said anything */
    const struct prongd_handler *const *handlers; /* that a configuration may name */
    struct control *control;
    struct diff *diffs;      /* under way */
    struct waiting stopping; /* who waits for the end of the service */
    struct waiting sleeping; /* who waits for the end of the workers */
    struct surveys surveys;
    struct drains drains;
    struct pid_file pid_file;
    ev_signal *signals; /* one for each row of the table */
    time_t started;
    double started_at; /* clock_s() */
};

/* The only place that changes the state. */
void master_enter(struct master *master, enum master_state state);

/* What the supervisor tells; `user` is the master.  news.c */
extern const struct supervisor_events master_supervisor_events;

/* Gives what is left, for those who wait for an end: a waiting_progress. */
json_t *master_describe_rest(uint64_t leaver, void *user);

/* Ends the loop when no generation and no keeper is left. */
void master_end_when_alone(struct master *master);

/* In a child: frees and closes everything of the master, with no effect outside this process. */
void master_leave_behind(struct master *master);

/* Gives what status_json() does; NULL when memory is short. */
json_t *master_status(const struct master *master);

/* --- acts.c --- */

/* The first time: nothing is accepted any more, connections may finish.  Again: at once. */
void master_stop(struct master *master);

/* Every worker closes its connections and ends. */
void master_stop_now(struct master *master);

/* The workers of the current generation end when their connections have; the master keeps the
 * listening handles, and the next reload starts others.  `client`: who is answered, or NULL. */
void master_sleep(struct master *master, struct control_client *client);

/* In every process.  0, or a negative code: the old file stays. */
int master_reopen_logs(struct master *master);

void master_set_log_level(struct master *master, uint32_t level);

/* Another number of workers, 1 or more: a reload starts them.  `client`: who is answered, or NULL.
 */
void master_scale(struct master *master, unsigned workers, struct control_client *client);

/* What each command does; `user` is the master. */
extern control_command *const command_table[COMMAND_COUNT];

#endif
