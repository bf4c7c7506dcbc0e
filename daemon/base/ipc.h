/* SPDX-License-Identifier: MIT
 *
 * Frames with descriptors over a SOCK_SEQPACKET pair: how master and workers talk.
 *
 * A frame is one kernel message: {type, size} and a payload, with up to IPC_MAX_FDS descriptors.
 * Sending never blocks: what the kernel does not take waits in a queue.
 */
#ifndef PRONGD_IPC_H
#define PRONGD_IPC_H

#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct ipc;

#define IPC_MAX_FDS     64
#define IPC_MAX_PAYLOAD (128 * 1024)

struct ipc_frame {
    unsigned type;       /* enum message */
    const void *payload; /* dies with the call */
    size_t size;
    const int *fds;  /* on receipt: given; close what you do not keep */
    size_t fd_count; /* 0 when one of them was lost because the receiver has no room for more */
};

/* Closes what came with it, for a receiver that keeps nothing of it, or copies. */
void ipc_close_fds(const struct ipc_frame *frame);

struct ipc_events {
    void (*on_frame)(struct ipc *ipc, const struct ipc_frame *frame, void *user);

    /* The other side is gone (0), or the channel failed (-errno; -EBADMSG: a frame that breaks
     * the rules).  Once; no frame follows.
     * May free the ipc. */
    void (*on_close)(struct ipc *ipc, int error, void *user);
};

/* Two ends, non-blocking and close-on-exec.  0 or -errno. */
int ipc_pair(int fds[2]);

/* Takes `fd` in every case; borrows loop and events.  NULL with errno. */
struct ipc *ipc_new(struct ev_loop *loop, int fd, const struct ipc_events *events, void *user);

/* Copies the payload; duplicates nothing: the descriptors may be closed after the call only when
 * it returned 0 (sent) or 1 (queued: duplicates are kept until sent).
 * 0, 1, or -EMSGSIZE, -EPIPE, -ENOMEM … */
int ipc_send(struct ipc *ipc, unsigned type, const void *payload, size_t size, const int *fds,
             size_t fd_count);

/* Reads what the other side has left behind, now: it is known to be dead, and its end would be told
 * from the loop only. */
void ipc_read_rest(struct ipc *ipc);

/* Frames that wait for the kernel. */
size_t ipc_queued(const struct ipc *ipc);

int ipc_fd(const struct ipc *ipc);

/* Accepts NULL; also from its own callbacks.  Closes the descriptor. */
void ipc_free(struct ipc *ipc);

#endif
