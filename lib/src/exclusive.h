/* SPDX-License-Identifier: MIT
 *
 * A listening handle in libev's epoll set with EPOLLEXCLUSIVE.
 *
 * Processes that share a handle are all woken by each connection: measured, 4.5 times the context
 * switches with eight of them.  EPOLLEXCLUSIVE wakes one.  libev does not know it, a nested epoll
 * set breaks it (it goes on to wake everybody when nobody sleeps in that very set), and
 * EPOLL_CTL_MOD can neither set nor keep it.  So the handle's entry in libev's own set is replaced,
 * with the data word that libev gave it, behind libev's back.
 *
 * The ev_io stays active all the time: after ev_io_stop() the kernel's entry would stay behind and
 * eat the one wake-up.  What libev cannot know it never touches, except that it builds its set anew
 * after a fork or when it finds a strange event: then the handle is watched plainly again, and
 * exclusive_is_intact() tells.  Nothing relies on any of this for correctness.
 */
#ifndef PRONG_EXCLUSIVE_H
#define PRONG_EXCLUSIVE_H

#include <stdbool.h>
#include <stdint.h>

struct ev_io;
struct prong_loop;

struct exclusive {
    struct prong_loop *loop;
    int fd;
    uint64_t data;   /* libev's word for this descriptor */
    bool is_on;      /* the entry is ours */
    bool is_watched; /* it stands in the set */
};

/* Replaces the entry of an active watcher.  Turns the loop once without calling anybody.  0, or
 * -ENOTSUP where libev's set is not known: the watcher works on as it was. */
int exclusive_start(struct exclusive *exclusive, struct prong_loop *loop,
                    const struct ev_io *watcher);

/* In and out of the set; watching again looks at once whether somebody waits.  0, or a negative
 * code: the set is not the one that it was, and libev's own entry is in force. */
int exclusive_watch(struct exclusive *exclusive);
int exclusive_unwatch(struct exclusive *exclusive);

/* Is libev's set still the one that the entry was put into? */
bool exclusive_is_intact(const struct exclusive *exclusive);

#endif
