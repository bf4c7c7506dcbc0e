/* SPDX-License-Identifier: MIT
 *
 * Broadcast: what workers of a server say to each other, as one worker hears it.
 *
 * The messages stand in a ring (base/ring.h) that all workers of the server share.  An eventfd of
 * the master wakes whoever sleeps: nobody reads it, each worker waits for its next edge in an epoll
 * set of its own, so that one write wakes all workers of all generations.
 *
 * A worker reads for all its connections at once: they have one position, its own.  Only what is on
 * the way has another: it travels in the record.  When the connection starts in a worker that has
 * heard more, that one repeats it for this connection alone; in one that has heard less, it is
 * passed over until the worker has reached it (ahead.h), as is a client that came after messages
 * which its worker has still to hear.
 */
#ifndef PRONGD_BROADCAST_H
#define PRONGD_BROADCAST_H

#include <stddef.h>
#include <stdint.h>

struct broadcast;
struct inherited_common;
struct prong_socket;
struct record;
struct service;

/* Where a connection goes on. */
struct broadcast_place {
    uint64_t ring;     /* ring_identity(); 0: its giver heard nothing */
    uint64_t position; /* of the last message that it heard */
};

/* Opens what the service's workers share: the ring, where there is one.  Takes its descriptors.
 * With the master's rights still: /proc may not be in the worker's root.  0 or a negative code. */
int broadcast_open(struct service *service, struct inherited_common *common);

/* Hears what is published from now on. */
void broadcast_start(struct service *service);

/* 0; -ENOTSUP: there is no ring; or as ring_publish(). */
int broadcast_publish(struct service *service, const void *bytes, size_t size);

/* Once in each turn of the loop: wakes those who sleep, if something was published. */
void broadcast_wake(struct service *service);

/* Now and then: one who published and was killed has woken nobody. */
void broadcast_look(struct service *service);

/* A client is about to come to the handler: it hears nothing that was said before. */
void broadcast_welcome(struct service *service, struct prong_socket *socket);

/* --- Connections that move --- */

/* Where this one is now. */
struct broadcast_place broadcast_place(const struct service *service, struct prong_socket *socket);

/* It has left. */
void broadcast_leave(struct service *service, struct prong_socket *socket);

/* One that arrived, and does nothing yet, goes on there.  0 or -ENOMEM. */
int broadcast_arrive(struct service *service, struct prong_socket *socket,
                     const struct broadcast_place *place);

/* It is about to start: what it has heard elsewhere, and this worker has not, it hears no more. */
void broadcast_join(struct service *service, struct prong_socket *socket);

/* It has started: hears what the worker had heard before it came. */
void broadcast_catch_up(struct service *service, struct prong_socket *socket);

/* It does not start after all, or has closed.  Harmless for one that never arrived. */
void broadcast_forget(struct service *service, struct prong_socket *socket);

/* No callback follows.  Harmless on a service without. */
void broadcast_close(struct service *service);

#endif
