/* SPDX-License-Identifier: MIT
 *
 * The bytes that wait to be sent, of all connections of a worker together: max_memory.  Those for
 * a client's companions, as a relay's upstream, count as its own.
 *
 * When three quarters of what is allowed wait, connections whose handler wrote on although write()
 * told it to wait are read no more until their client has taken all: a handler that answers what it
 * reads stops by that.  When more wait than is allowed, the heaviest are closed.  Looked at with
 * every turn of the loop, so that one turn may go beyond the limit (max_write_queue is exact).
 */
#ifndef PRONGD_PRESSURE_H
#define PRONGD_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

struct prong_loop;
struct prong_socket;
struct service;

struct pressure {
    uint64_t limit; /* bytes; 0: none, and nothing is done */
    const struct prong_loop *loop;
    struct service *services;
    size_t service_count;
    uint32_t vain_ds; /* when a look found that nobody's bytes are too many, as opened_ds */
};

/* Call it every turn. */
void pressure_check(struct pressure *pressure);

/* The client has taken all, the connection ends, or it moves: whoever is held is read again. */
void pressure_release(const struct service *service, struct prong_socket *socket);

#endif
