/* SPDX-License-Identifier: MIT
 *
 * The master: the first process.  Opens the handles, starts the workers, watches over them, obeys
 * signals and the control socket.  Never touches a client's bytes.
 */
#ifndef PRONGD_MASTER_H
#define PRONGD_MASTER_H

#include <stdbool.h>
#include <stddef.h>

#include "inheritance.h"
#include "keeping.h"
#include "observing.h"

struct config;
struct program;
struct prongd_handler;

/* What the children of the master do. */
struct master_entries {
    worker_entry *worker;
    observer_entry *observer;
    keeper_entry *keeper;
};

/* Runs the service until it is told to stop; `handlers` (ends with
 * NULL) are those that the configuration of a reload may name.  A program that follows another one
 * (program->estate) takes over its service and reloads it; `config` may be NULL then, and `problem`
 * says why.  Takes `config`, borrows the rest.
 * The exit status: 0 after an orderly stop, 1 when it could not start. */
int master_run(struct config *config, const struct prongd_handler *const *handlers,
               const struct master_entries *entries, const struct program *program,
               const char *problem);

/* Can this program take over what `estate` names, with this configuration?  0, or a negative code
 * with what stands in the way in `problem`. */
int master_check_estate(int estate, const struct config *config,
                        const struct prongd_handler *const *handlers, char *problem, size_t size);

/* Checks what a start would meet beyond the file itself, with no effect: users and groups.
 * 0, or a negative code with one line in `problem`. */
int master_check(const struct config *config, char *problem, size_t size);

/* A row of the table of signals, for --help and the manual page; false when `index` is past the
 * last. */
struct master_signal {
    const char *name;    /* "TERM" */
    const char *command; /* of prongctl: "stop" */
    const char *help;    /* a sentence */
};
bool master_signal(size_t index, struct master_signal *signal);

#endif
