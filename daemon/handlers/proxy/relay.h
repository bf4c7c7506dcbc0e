/* SPDX-License-Identifier: MIT
 *
 * The relay: bytes from one socket of a pair to the other, none lost, none twice.
 *
 * Little goes through a buffer that all share, and what the target's kernel does not take is queued
 * and its source paused until that is sent.  After some large reads in a row a flow gets a kernel
 * pipe, through which its bytes are spliced without ever coming here, until they are few again.
 *
 * A source's end is passed on when all before it is sent, each direction by itself.
 */
#ifndef PRONGD_RELAY_H
#define PRONGD_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "pair.h"

/* The size of the shared buffer. */
#define RELAY_BUFFER_SIZE (256 * 1024)

/* The source of this flow is about to be read: to where, and how much. */
void *relay_buffer(struct prong_socket *client, enum pair_way way, size_t *size);

/* So many bytes were read there.  False: wait until the target has room. */
bool relay_read(struct prong_socket *client, enum pair_way way, const void *bytes, size_t size);

/* The source of a flow that has a pipe can be read. */
void relay_splice(struct prong_socket *client, enum pair_way way);

/* The target of this flow has room, or may have. */
void relay_go_on(struct prong_socket *client, enum pair_way way);

/* The source of this flow has ended. */
void relay_end(struct prong_socket *client, enum pair_way way);

/* The pool wants a pipe back that is empty. */
void relay_recall(struct pipe *pipe);

/* The flow has this pipe now, with bytes in it that came from another worker. */
void relay_adopt(struct prong_socket *client, enum pair_way way, struct pipe *pipe);

/* Bytes in its pipe. */
uint32_t relay_held(const struct flow *flow);

/* Gives the pipes back, and what is in them is lost. */
void relay_clear(struct pair *pair);

#endif
