/* SPDX-License-Identifier: MIT
 *
 * The observer as the master sees it: a process of its own that answers HTTP on metrics_listen.
 *
 * The master opens the handles, starts the process, and tells it once a second what `prongctl
 * status` would say; it hears nothing from it.  The process stays over reloads that leave its
 * addresses as they are; one that dies is replaced after a second.
 */
#ifndef PRONGD_OBSERVATION_H
#define PRONGD_OBSERVATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "observing.h"

struct config;
struct generation;
struct master;
struct observation;

/* Borrows both.  NULL when memory is short. */
struct observation *observation_new(struct master *master, observer_entry *entry);

/* Opens what the configuration of the next generation wants.  0, or a negative code with one line
 * in `problem`; then nothing has changed. */
int observation_prepare(struct observation *observation, const struct config *config, char *problem,
                        size_t size);

/* The generation serves: what was prepared is used, the handles of before are given back. */
void observation_commit(struct observation *observation, const struct generation *generation);

/* It does not: what was prepared is given back. */
void observation_rollback(struct observation *observation);

/* The service is another than a moment ago: says so at once. */
void observation_tell(struct observation *observation);

/* True: this child was the observer. */
bool observation_on_child(struct observation *observation, pid_t pid, int status);

/* For the estate: the handles in use, as a list of {"fd": …}; and of the program before this one.
 * Neither process nor channel go along: the next program starts its own observer. */
json_t *observation_describe(const struct observation *observation);
int observation_adopt(struct observation *observation, const json_t *list);

/* Accepts NULL.  The process ends; `gives_back`: the handles are closed if nobody else has them.
 * Not in a child. */
void observation_free(struct observation *observation, bool gives_back);

#endif
