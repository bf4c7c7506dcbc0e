/* SPDX-License-Identifier: MIT
 *
 * Inside struct prong_loop.
 */
#ifndef PRONG_LOOP_INTERNAL_H
#define PRONG_LOOP_INTERNAL_H

#include <prong/loop.h>

#include "timeouts.h"

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

struct hangups;
struct prong_server;
struct resolver;

struct prong_loop {
    struct ev_loop *ev;
    int epoll_fd;                 /* libev's own; -1: none, or not found */
    int spare_fd;                 /* given up to accept and close when descriptors run out */
    int sentinel_fd;              /* in libev's set, to notice a new one (exclusive.c); -1: none */
    size_t objects;               /* not freed yet */
    uint64_t bytes_queued;        /* in the write queues of all sockets */
    struct prong_server *servers; /* all of them */
    struct timeouts timeouts;
    struct resolver *resolver; /* made with the first name */
    struct hangups *hangups;   /* made with the first paused socket */

    /* One read goes to the upper half; bytes that were given back are laid right before it, so
     * that both are one piece. */
    uint8_t *buffer;
};

/* One turn in which the kernel learns of every watcher and nobody is called: what it finds ready
 * stays pending for the program's own ev_run(). */
void loop_turn_silently(struct ev_loop *ev);

/* Where recv(2) puts its PRONG_READ_SIZE bytes. */
uint8_t *loop_read_buffer(const struct prong_loop *loop);

/* Takes the spare descriptor back after it was given up. */
void loop_reserve_fd(struct prong_loop *loop);
void loop_release_fd(struct prong_loop *loop);

/* Tells the kernel to forget a descriptor before it leaves the process: an entry outlives close()
 * while the description is shared. */
void loop_forget_fd(struct prong_loop *loop, int fd);

#endif
