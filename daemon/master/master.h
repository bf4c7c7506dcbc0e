/* SPDX-License-Identifier: MIT
 *
 * The master: the first process.  Opens the handles, starts the workers, watches over them, obeys
 * signals and the control socket.  Never touches a client's bytes.
 */
#ifndef PRONGD_MASTER_H
#define PRONGD_MASTER_H

#include <stddef.h>
#include <stdio.h>

#include "inheritance.h"

struct config;
struct program;
struct prongd_handler;

/* Runs the service until it is told to stop; `entry` is what a worker does, `handlers` (ends with
 * NULL) are those that the configuration of a reload may name.  A program that follows another one
 * (program->estate) takes over its service and reloads it; `config` may be NULL then, and `problem`
 * says why.  Takes `config`, borrows the rest.
 * The exit status: 0 after an orderly stop, 1 when it could not start. */
int master_run(struct config *config, const struct prongd_handler *const *handlers,
               worker_entry *entry, const struct program *program, const char *problem);

/* Can this program take over what `estate` names?  0, or a negative code with one line in
 * `problem`. */
int master_check_estate(int estate, char *problem, size_t size);

/* Checks what a start would meet beyond the file itself, with no effect: users and groups.
 * 0, or a negative code with one line in `problem`. */
int master_check(const struct config *config, char *problem, size_t size);

/* The table of signals, for --help. */
void master_print_signals(FILE *stream);

#endif
