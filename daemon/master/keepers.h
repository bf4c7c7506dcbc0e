/* SPDX-License-Identifier: MIT
 *
 * The keepers: a process for each server whose handler is exec, which runs its programs.
 *
 * The master owns both ends of the socket through which workers send connections to the keeper, so
 * that it outlives all of them: a keeper that dies is replaced, and what was sent meanwhile waits.
 * The master itself never reads it.  A reload that leaves a server's programs as they are leaves
 * its keeper alone; one that changes them starts another keeper on the same socket, and the one
 * before ends with its last program.  (One keeper that changes would have to be told everything
 * anew, and could not become another user.)
 */
#ifndef PRONGD_KEEPERS_H
#define PRONGD_KEEPERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeping.h"
#include "message.h"

struct config;
struct keeper_process;
struct keepers;
struct master;

/* Borrows both.  NULL when memory is short. */
struct keepers *keepers_new(struct master *master, keeper_entry *entry);

/* Can the programs of this configuration be run?  Waits for a child that looks at each.  0, or a
 * negative code with one line in `problem`. */
int keepers_check(const struct config *config, char *problem, size_t size);

/* Opens and plans what the configuration of the next generation wants.  0, or a negative code with
 * one line in `problem`; then nothing has changed. */
int keepers_prepare(struct keepers *keepers, const struct config *config, char *problem,
                    size_t size);

/* The generation serves: keepers whose programs are others now are replaced. */
void keepers_commit(struct keepers *keepers);

/* It does not: what was prepared is forgotten. */
void keepers_rollback(struct keepers *keepers);

/* A generation is gone: keepers of servers that no other one has take what waits still, and end
 * with their last program. */
void keepers_sweep(struct keepers *keepers);

/* The workers' end for this server, borrowed; -1: it has no keeper. */
int keepers_worker_fd(const struct keepers *keepers, const char *server);

/* The service stops: programs have so long.  None is started anew that ends. */
void keepers_terminate(struct keepers *keepers, uint64_t after_ms);

/* Has every keeper ended? */
bool keepers_are_gone(const struct keepers *keepers);

/* Sends an order to every keeper; borrows payload and descriptor (-1: none). */
void keepers_tell_all(const struct keepers *keepers, enum message message, const void *payload,
                      size_t size, int fd);

/* The files of access logs were opened anew. */
void keepers_reopen_access(const struct keepers *keepers);

/* Shows every keeper. */
void keepers_visit(const struct keepers *keepers,
                   void (*visit)(const struct keeper_process *process, void *user), void *user);

/* True: this child was a keeper. */
bool keepers_on_child(struct keepers *keepers, pid_t pid, int status);

/* Looks whether one hangs, once a second. */
void keepers_look(const struct keepers *keepers, uint64_t timeout_ms);

/* [{"server", "pid", "state", "programs"}, …], and "silent_s" of those that hang. */
json_t *keepers_status(const struct keepers *keepers);

/* How many keepers of a server hang. */
size_t keepers_silent(const struct keepers *keepers, const char *server);

/* The keepers of a server, in numbers: {"running": …, …}.  NULL: it has none. */
json_t *keepers_programs(const struct keepers *keepers, const char *server);

/* Programs that run, of all servers. */
uint64_t keepers_running(const struct keepers *keepers);

/* For the estate, and of the program before this one: 0 or a negative code. */
json_t *keepers_describe(const struct keepers *keepers);
int keepers_adopt(struct keepers *keepers, const json_t *list);

/* Accepts NULL.  Without effect outside this process: living keepers notice that nobody is left.
 */
void keepers_free(struct keepers *keepers);

#endif
