/* SPDX-License-Identifier: MIT
 *
 * Which connections go, when only some of a worker's do: idle ones first, and perhaps none that
 * moved a short while ago.
 *
 * Whether one is idle shows only after a while: it is looked at twice.  That needs memory for as
 * long as it takes, and none for each connection.
 */
#ifndef PRONGD_SELECTION_H
#define PRONGD_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_socket;
struct service;

/* Idle is for whom nothing has come or gone for so long. */
#define SELECTION_LOOK_S 1.0

/*  ANYBODY        LOOK → IDLE → REST */
enum selection_phase {
    SELECTION_ANYBODY, /* zeroed: every connection */
    SELECTION_LOOK,    /* nobody yet: they are looked at */
    SELECTION_IDLE,    /* those for whom nothing has come or gone since */
    SELECTION_REST     /* the others, too */
};

struct sight; /* what was seen of one */

struct selection {
    enum selection_phase phase;
    bool spares; /* who moved lately stays */
    bool found;  /* somebody idle, in this pass */
    struct sight *seen;
    size_t count, room;
};

/* From now on: first they are looked at. */
void selection_begin(struct selection *selection, bool spares);

/* All of them are about to be asked for. */
void selection_begin_pass(struct selection *selection);

/* May it go?  While they are looked at it is noted, and may not. */
bool selection_wants(struct selection *selection, struct prong_socket *socket);

/* Is there anybody left who could go, now or later? */
bool selection_has_more(struct service *services, size_t count);

/* A while has passed since the last pass.  Idle ones that were found and could not go yet are
 * waited for. */
void selection_advance(struct selection *selection);

/* Every connection, as in the beginning. */
void selection_end(struct selection *selection);

#endif
