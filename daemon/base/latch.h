/* SPDX-License-Identifier: MIT
 *
 * A latch: a lock on memory that several processes share, kept by the kernel and not in the memory.
 *
 * It is a lock of the open file description (fcntl(2), F_OFD_SETLK) of the memory's file.  So it is
 * given back in the moment in which its holder dies, whatever it was doing, and no byte that
 * somebody spoils in the memory can hold it for ever.  Two system calls for each use.
 */
#ifndef PRONGD_LATCH_H
#define PRONGD_LATCH_H

#include <stdbool.h>

/* The same file by a description of our own, for a latch of our own: processes that inherited one
 * description would hold one lock together.  Needs /proc.  Takes `fd` in every case; the new one,
 * or -errno. */
int latch_open(int fd);

/* Waits for two seconds at most: who has it for longer was stopped.  Then `*is_stuck`, false at
 * first, is set, and until it could be taken again nobody waits for more than a moment: a worker
 * with many messages would seem to hang as well.  0, or -EBUSY. */
int latch_take(int fd, bool *is_stuck);

void latch_give(int fd);

/* The same for a file whose description all processes inherited: a lock of this process (F_SETLK),
 * given back also when it closes any descriptor of this file. */
int latch_take_alone(int fd);
void latch_give_alone(int fd);

#endif
