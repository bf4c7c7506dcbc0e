/* SPDX-License-Identifier: MIT
 *
 * What waits to be sent of one connection: to its client, and to its companions, as a relay's
 * upstream, all of which together are its other side.
 *
 * The queues of the sockets, and what the handler keeps elsewhere (`held` in <prongd/handler.h>).
 */
#ifndef PRONGD_UNSENT_H
#define PRONGD_UNSENT_H

#include <stdint.h>

struct prong_socket;
struct service;

enum unsent_side { UNSENT_CLIENT, UNSENT_COMPANIONS, UNSENT_SIDES };

struct unsent {
    uint64_t bytes[UNSENT_SIDES]; /* that wait */
    uint64_t taken[UNSENT_SIDES]; /* by the kernel, ever: goes up as long as that side reads */
};

/* Of a connection of this service at this moment. */
struct unsent unsent_of(const struct service *service, struct prong_socket *socket);

/* Both sides together. */
uint64_t unsent_bytes(const struct service *service, struct prong_socket *socket);

/* Closes the connection at once: by a reset where anything waits, which a client would take to have
 * come to its end otherwise. */
void unsent_cut(const struct service *service, struct prong_socket *socket);

#endif
