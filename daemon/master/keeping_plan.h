/* SPDX-License-Identifier: MIT
 *
 * From a server's options to what its keeper is told.
 */
#ifndef PRONGD_KEEPING_PLAN_H
#define PRONGD_KEEPING_PLAN_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct config_server;
struct keeping;

/* Is its handler exec? */
bool keeping_is_wanted(const struct config_server *server);

/* Gives what keeping_free() frees.  NULL with one line in `problem`: a program is missing, or there
 * is no such user. */
struct keeping *keeping_plan(const struct config *config, const struct config_server *server,
                             char *problem, size_t size);

/* Can its user run the program, in that directory?  Asks a child with the user's rights.  0, or a
 * negative code with one line in `problem`. */
int keeping_check(const struct config *config, const struct keeping *keeping, char *problem,
                  size_t size);

/* Everything that makes a difference for a keeper, as a malloc'ed text: when it is the same, the
 * keeper may stay.  NULL when memory is short. */
char *keeping_signature(const struct config *config, const struct config_server *server);

#endif
