/* SPDX-License-Identifier: MIT
 *
 * Pairing: makes the socket pairs through which workers hand connections to each other.
 *
 * The master makes a pair, gives each worker its end, and keeps none.
 */
#ifndef PRONGD_PAIRING_H
#define PRONGD_PAIRING_H

struct generation;
struct generation_list;
struct slot;

/* One way, from giver to taker.  0 or a negative code: they are not connected then. */
int pairing_connect(struct slot *giver, struct slot *taker);

/* From every living worker of one generation to every ready one of another.  The number of pairs.
 */
unsigned pairing_connect_all(struct generation *givers, struct generation *takers);

/* Lets everybody who leaves give to this worker, too: the one before it may have died.  The number
 * of pairs. */
unsigned pairing_connect_leavers(const struct generation_list *generations, struct slot *taker);

#endif
