/* SPDX-License-Identifier: MIT
 *
 * What all objects of one libev loop share: the read buffer, the timeout lists, the
 * resolver.
 *
 * Borrows the program's loop: prong neither runs nor stops it.
 */
#ifndef PRONG_LOOP_H
#define PRONG_LOOP_H

#include <prong/api.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

struct ev_loop;
struct prong_loop;

/* The most that one on_data delivers (R63). */
#define PRONG_READ_SIZE 65536

/* Borrows `ev` until prong_loop_free().  NULL with errno set.
 *
 * Finds libev's epoll descriptor with a probe descriptor in /proc/self/fdinfo; for that it
 * turns the loop once without calling any callback.  So create it before chroot(2), and
 * after fork(2), in the process that will run it.  On another backend, or without /proc,
 * there is no such descriptor, and everything works without. */
PRONG_API struct prong_loop *prong_loop_new(struct ev_loop *ev);

/* Accepts NULL.  -EBUSY when servers, sockets or timers of it are left: nothing is freed then;
 * destroy them and let the loop run until their on_close was called. */
PRONG_API int prong_loop_free(struct prong_loop *loop);

/* The program's loop, borrowed as before. */
PRONG_API struct ev_loop *prong_loop_ev(const struct prong_loop *loop);

/* Servers, sockets and timers that are not freed yet. */
PRONG_API size_t prong_loop_objects(const struct prong_loop *loop);

/* Bytes that wait to be sent, of all its sockets together: at once, however many there are. */
PRONG_API uint64_t prong_loop_bytes_queued(const struct prong_loop *loop);

/* libev's epoll descriptor, still owned by libev; -1 when there is none. */
PRONG_API int prong_loop_epoll_fd(const struct prong_loop *loop);

/* Asks these name servers from now on instead of those of /etc/resolv.conf: addresses with or
 * without a port, separated by commas ("127.0.0.1:5353,[::1]:53").
 * -EINVAL; -EBUSY while a name is being looked up; -ENOMEM. */
PRONG_API PRONG_CHECK int prong_loop_set_name_servers(struct prong_loop *loop, const char *servers);

PRONG_END

#endif
