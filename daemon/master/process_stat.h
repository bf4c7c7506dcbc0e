/* SPDX-License-Identifier: MIT
 *
 * What the kernel tells of a process, in /proc/PID/stat.
 */
#ifndef PRONGD_PROCESS_STAT_H
#define PRONGD_PROCESS_STAT_H

#include <stdbool.h>
#include <sys/types.h>

struct process_stat {
    char state; /* 'R': it runs; 'S', 'D': it waits; 'T': it was stopped; 'Z', 'X': it is dead */
    pid_t parent;
    pid_t session;
};

/* False: there is no such process, or it cannot be told. */
bool process_stat_read(pid_t pid, struct process_stat *stat);

/* Does a process live that leads a session, and whose parent is this one?  Looks at every process
 * of the machine.  True also when nobody can tell. */
bool process_has_leaders(pid_t parent);

/* SIGKILL to the groups of all of these.  The parent must not bury anybody meanwhile. */
void process_kill_leaders(pid_t parent);

#endif
