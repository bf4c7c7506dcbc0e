/* SPDX-License-Identifier: MIT
 *
 * Several listening handles of one port (SO_REUSEPORT): the kernel gives each its own accept queue,
 * and chooses one when a client's SYN arrives.
 *
 * The kernel keeps them in an array in the order in which they began to listen, and moves the last
 * one into the place of one that leaves.  So they leave in the opposite order, and the nth handle
 * is number n there.  Which of them are chosen is said by a program of classic BPF.
 */
#ifndef PRONGD_REUSEPORT_H
#define PRONGD_REUSEPORT_H

#include <stdbool.h>

struct prong_listen_options;

/* One more handle beside `first`, which listens; nobody is led to it before reuseport_choose().
 * `is_alone`: `first` is the only one so far.  `first` was bound without SO_REUSEPORT, so that a
 * port of somebody else was refused and not shared.  The descriptor, or a negative code. */
int reuseport_join(int first, bool is_alone, const struct prong_listen_options *options);

/* From now on the kernel leads clients to these alone, to each as often.  Whose SYN has arrived
 * already stays where he is.  `fd`: any of them.  0 or a negative code. */
int reuseport_choose(int fd, const unsigned *chosen, unsigned count);

/* Takes it out of the kernel's array, whoever else holds the descriptor. */
void reuseport_leave(int fd);

/* How long a client that was led to a handle may still take to enter its queue: as long as the
 * kernel repeats the second packet of the three. */
double reuseport_handshake_s(void);

#endif
