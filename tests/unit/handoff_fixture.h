/* SPDX-License-Identifier: MIT
 *
 * One end of a handoff on a loop of its own, which writes down what it is told; the other end is a
 * bare descriptor, so that a test says what the other worker does, and when it dies.
 */
#ifndef HANDOFF_FIXTURE_H
#define HANDOFF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handoff.h"
#include "handoff_wire.h"
#include "record.h"

#define MOST 256

struct side {
    struct ev_loop *ev;
    struct handoff *handoff;  /* NULL once it is freed */
    int other;                /* the bare end, or -1 */
    char story[8192];         /* "taken:1 returned:2:32 record:3 start:3 discard:3 close" */
    struct record kept[MOST]; /* what on_record took, and what came back */
    size_t kept_count;
    size_t room;      /* what a taker says */
    unsigned rooms;   /* how often on_room was told */
    int refusal;      /* what on_record answers; 0: it takes */
    bool answered;    /* at on_start, the answer could be read from the other end */
    bool free_on_end; /* frees the handoff in on_close */
};

/* So many calloc() succeed from now on; -1: all. */
extern int allocations_left;

/* cmocka's set-up and tear-down; the state is a struct side without a handoff. */
int side_setup(void **state);
int side_teardown(void **state);

/* Makes the end, and with it the pair. */
void begin_giver(struct side *side);
void begin_taker(struct side *side);

/* Lets the loop run until nothing is due. */
void turn(struct side *side);

/* A record of a live connection: its descriptor is one end of a pair, `*client` the other. */
struct record new_record(uint64_t id, int *client);

/* Gives so many records, numbered from `first`; their clients' ends. */
void give(struct side *side, uint64_t first, size_t count, int *clients);

/* The bare end answers for the batch of this sequence: taken (0), or refused. */
void answer(struct side *side, uint32_t sequence, size_t count, int status);

/* The bare end tells how much room it has. */
void tell(struct side *side, size_t room);

/* The bare end reads one batch, and closes what was in it. */
void swallow(struct side *side, uint32_t sequence, size_t count);

/* The bare end sends a batch of so many. */
void send_batch(struct side *side, uint32_t sequence, size_t count, int *clients);

/* The bare end dies. */
void die(struct side *side);

/* Is the other end of this connection still open, and does it take bytes? */
bool is_alive(int client);

unsigned open_descriptors(void);

/* Another descriptor of the end itself. */
int handoff_fd_of(const struct side *side);

void close_all(int *clients, size_t count);

#define SIDE(name) cmocka_unit_test_setup_teardown(name, side_setup, side_teardown)

#endif
