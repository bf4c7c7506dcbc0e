/* SPDX-License-Identifier: MIT
 *
 * A keeper as the master sees it: a process, a channel, and what it said last.
 */
#ifndef PRONGD_KEEPER_PROCESS_H
#define PRONGD_KEEPER_PROCESS_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "pulse.h"

struct ipc;
struct surveys;

/*  TAKING → RETIRED        it may end in any of them */
enum keeper_process_state {
    KEEPER_PROCESS_TAKING,
    KEEPER_PROCESS_RETIRED /* it was told to end with its last program */
};

struct keeper_process {
    struct keeper_process *next; /* of the same server */
    enum keeper_process_state state;
    pid_t pid; /* 0: it is about to be forked */
    struct ipc *ipc;
    double started_at;        /* clock_s() */
    uint64_t kill_timeout_ms; /* of its programs */
    struct message_programs programs;
    struct pulse pulse;
    uint64_t looked_ms; /* clock_ms(): whether its programs live (keeper_hang.c) */
    const char *server; /* borrowed */
    struct surveys *surveys;
    struct ev_loop *loop;
    ev_timer limit; /* then it is killed: the service stops, and it should have ended */
};

/* Without a process.  Borrows the server's name, and `surveys`, whose questions it answers; its
 * loop is theirs.  NULL when memory is short. */
struct keeper_process *keeper_process_new(const char *server, struct surveys *surveys);

/* Forks.  0 in both processes: in the child `pid` is 0, and `*channel_fd` is its end.  A negative
 * code in the only one. */
int keeper_process_fork(struct keeper_process *process, int *channel_fd);

/* RETIRE or FINISH: it ends with its last program.  Harmless on one that was told already. */
void keeper_process_retire(struct keeper_process *process, enum message message);

/* It may go on for so long, then its programs are ended; and it is killed, with all that it runs,
 * when even then it does not end: some time after the last of them would have been killed, or, one
 * that hangs, at once then. */
void keeper_process_terminate(struct keeper_process *process, uint64_t after_ms);

/* Sends an order to it; borrows payload and descriptor (-1: none). */
void keeper_process_tell(const struct keeper_process *process, enum message message,
                         const void *payload, size_t size, int fd);

/* It is dead: takes what it said before, and nobody waits for more. */
void keeper_process_hear_out(struct keeper_process *process);

/* For the estate, and from it.  NULL: it makes no sense, or memory is short. */
json_t *keeper_process_describe(const struct keeper_process *process);
struct keeper_process *keeper_process_adopt(const char *server, struct surveys *surveys,
                                            const json_t *value);

/* {"server", "pid", "state", "programs"}, and "silent_s" of one that hangs. */
json_t *keeper_process_status(const struct keeper_process *process);

/* Accepts NULL.  Closes the channel, no more. */
void keeper_process_free(struct keeper_process *process);

/* {"running": …, "started": …, "failed": …, "refused": …}, and the inverse. */
json_t *programs_json(const struct message_programs *programs);
void programs_read(struct message_programs *programs, const json_t *value);

/* Adds sums and gauge. */
void programs_add(struct message_programs *sum, const struct message_programs *more);

#endif
