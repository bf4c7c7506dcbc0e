/* SPDX-License-Identifier: MIT
 *
 * A worker whose connections write down what they hear, beside another worker who publishes, and
 * whose ring the test has open itself.
 */
#ifndef BROADCAST_FIXTURE_H
#define BROADCAST_FIXTURE_H

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broadcast.h"
#include "config.h"
#include "ring.h"
#include "scoreboard.h"
#include "service.h"

#define MOST_LISTENERS 300
#define LONGEST        16384 /* that a ring of this size takes */

/* By one connection. */
struct heard {
    char story[512]; /* "one two -3 four " : three were lost */
    uint64_t lost;
    unsigned messages;
};

struct world {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct prong_server *server;
    struct scoreboard_worker *cell;
    struct config_server config;
    struct service service;
    int ring_fd;
    struct ring *other; /* as another worker has it */
    struct ev_prepare turn;
    struct prong_socket *listeners[MOST_LISTENERS];
    int peers[MOST_LISTENERS];
    size_t count;
    struct prong_socket *closed_by_turn;
    unsigned told; /* calls of on_message, in this turn of the loop */
    unsigned most; /* in any */
    void (*on_message)(struct prong_socket *socket, const void *bytes, size_t size);
};

extern struct world world;

/* Also of one that is closed. */
struct heard *heard_by(struct prong_socket *socket);

/* A client that connects. */
struct prong_socket *connects(void);

/* One that comes from another worker, where it had heard everything up to `position`. */
struct prong_socket *arrives(uint64_t position);

/* It is served from now on. */
void starts(struct prong_socket *socket);

/* Another worker says something; it has woken nobody yet. */
void says(const char *text);

void run_loop(void);

/* The worker looks, and tells what there is. */
void hear_all(void);

/* cmocka's set-up and tear-down; the state is `world`. */
int broadcast_setup(void **state);
int broadcast_teardown(void **state);

#define WORLD(name) cmocka_unit_test_setup_teardown(name, broadcast_setup, broadcast_teardown)

#endif
