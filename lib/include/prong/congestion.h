/* SPDX-License-Identifier: MIT
 *
 * Congestion control: by which of its ways the kernel decides how much of what was written is sent
 * when (TCP_CONGESTION in tcp(7)), by name, as "cubic" or "bbr".
 *
 * The system's own is good for most.  One that paces, as BBR, helps on long ways that lose packets
 * and costs a timer for every 64 KiB; between machines of one room, or on one machine, it may be
 * most of what sending costs.
 */
#ifndef PRONG_CONGESTION_H
#define PRONG_CONGESTION_H

#include <prong/api.h>
#include <stddef.h>

PRONG_BEGIN

/* Room for every name, with its end. */
#define PRONG_CONGESTION_SIZE 16

/* For a TCP descriptor, from now on, and for connections that are accepted from a listening one.
 * NULL: the system's own.  It stays with the descriptor, in whatever process that is.
 * 0, or -ENOENT: this kernel has none of that name; -EPERM: it is not for every user (root may set
 * it, others what net.ipv4.tcp_allowed_congestion_control says); -EOPNOTSUPP: not TCP; -EBADF … */
PRONG_API int prong_congestion_set(int fd, const char *name);

/* The name of what a TCP descriptor has, into PRONG_CONGESTION_SIZE bytes at least.  0, -ENOBUFS
 * when there is less room, -EOPNOTSUPP, -EBADF … */
PRONG_API PRONG_CHECK int prong_congestion_get(int fd, char *name, size_t size);

/* Could this process set it?  0, or what prong_congestion_set() would say. */
PRONG_API PRONG_CHECK int prong_congestion_check(const char *name);

PRONG_END

#endif
