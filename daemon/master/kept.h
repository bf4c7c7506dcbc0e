/* SPDX-License-Identifier: MIT
 *
 * A server with programs, as the master keeps it: the socket that leads to its keeper, what the
 * keeper is told, and the keepers themselves: one that takes connections, and those before it that
 * end with their last program.
 */
#ifndef PRONGD_KEPT_H
#define PRONGD_KEPT_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "keeping.h"
#include "message.h"

struct config;
struct config_server;
struct keeper_process;
struct master;

struct plan {
    struct keeping *keeping;
    char *signature; /* NULL: there is no plan */
};

struct kept {
    struct kept *next;     /* keepers.c */
    struct master *master; /* borrowed */
    keeper_entry *entry;
    char *server;
    int worker_fd, keeper_fd; /* the two ends */
    struct plan plan;         /* of its keeper; without `keeping` after an upgrade */
    struct plan prepared;     /* of the next generation */
    struct keeper_process *processes;
    struct message_programs gone; /* sums of those that have ended */
    ev_timer rest;                /* then a keeper is started */
};

/* Everything that a keeper of this server has to be told.  0, or a negative code with one line in
 * `problem`; clear it in both cases. */
int plan_make(struct plan *plan, const struct config *config, const struct config_server *server,
              char *problem, size_t size);
void plan_clear(struct plan *plan);

/* Without a socket.  Borrows `master`.  NULL when memory is short. */
struct kept *kept_new(struct master *master, keeper_entry *entry, const char *server);

/* Opens the socket.  0 or a negative code. */
int kept_open(struct kept *kept);

/* Living keepers notice that nobody is left. */
void kept_free(struct kept *kept);

/* Does a living generation have programs under this name? */
bool kept_is_used(const struct kept *kept);

/* What was prepared counts from now on: another keeper, where it has to be another. */
void kept_commit(struct kept *kept);

/* The keeper takes what waits still, and ends with its last program. */
void kept_finish(struct kept *kept);

/* This keeper ends with its last program, and another one takes connections. */
void kept_replace(struct kept *kept, struct keeper_process *process);

/* Programs have so long. */
void kept_terminate(struct kept *kept, uint64_t after_ms);

/* True: this child was a keeper of it.  Another is started, unless it is not missed. */
bool kept_on_child(struct kept *kept, pid_t pid, int status);

/* The file of its access log was opened anew: its keepers get it. */
void kept_reopen_access(const struct kept *kept);

/* All of its keepers, those that are gone too, in numbers. */
struct message_programs kept_programs(const struct kept *kept);

/* How many of its keepers hang. */
size_t kept_silent(const struct kept *kept);

/* For the estate, and from it: 0 or a negative code. */
json_t *kept_describe(const struct kept *kept);
int kept_adopt(struct kept *kept, const json_t *value);

#endif
