/* SPDX-License-Identifier: MIT
 *
 * The upstreams of one worker of a relay; several stages are several workers of one server.
 */
#ifndef UPSTREAMS_FIXTURE_H
#define UPSTREAMS_FIXTURE_H

#include "net_fixture.h"

#include "stand_in_fixture.h"
#include "upstream.h"
#include "upstreams.h"
#include "upstreams_internal.h"

struct stage {
    struct stand_in service;
    struct net *net;
    char *items[4];
    struct upstreams *upstreams;
    unsigned changes;
};

/* The items of two upstreams, ended with NULL. */
extern const char *const two[];

/* Upstreams of these items, which end with NULL; the client never is more than new. */
void begin(struct stage *stage, void **state, const char *const *items);
void end(struct stage *stage);

/* The next one, with a place; NULL with errno. */
struct upstream *choose(struct stage *stage);

#define STAGE(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

#endif
