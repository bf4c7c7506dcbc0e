/* SPDX-License-Identifier: MIT
 *
 * One frame, one kernel message: the system calls below ipc.c.
 */
#ifndef PRONGD_IPC_WIRE_H
#define PRONGD_IPC_WIRE_H

#include "ipc.h"

/* Sends without waiting.  0 or -errno; the whole frame or nothing. */
int ipc_wire_send(int fd, const struct ipc_frame *frame);

/* Receives without waiting.  1 and a frame whose payload lives until the next call and whose
 * descriptors are given; 0 at the end; -EAGAIN; -EBADMSG for a frame that breaks the rules,
 * or another -errno.  Descriptors that were lost on the way take the others with them, not the
 * frame. */
int ipc_wire_receive(int fd, struct ipc_frame *frame);

#endif
