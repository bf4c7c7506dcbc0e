/* SPDX-License-Identifier: MIT
 *
 * Which connections an operator means: --server, --peer, --worker, --state, --min-age …
 */
#ifndef PRONGCTL_CRITERIA_H
#define PRONGCTL_CRITERIA_H

#include <stdbool.h>
#include <stdint.h>

#include "roster.h"

struct call;
struct crowd_member;
struct prong_block_list;

struct criteria {
    const char *server;             /* NULL: any */
    struct prong_block_list *peers; /* NULL: any */
    bool by_slot, by_generation;
    uint64_t generation, slot;
    bool by_state;
    enum roster_state state;
    uint64_t min_age_ms, max_age_ms;
    uint64_t min_idle_ms;
    uint64_t min_bytes; /* both ways */
    uint64_t min_queued;
};

/* Reads those options of the call that are criteria.  0, or an exit status, when it was said on
 * stderr what is wrong; clear in both cases. */
int criteria_read(struct criteria *criteria, const struct call *call);

/* Were any given at all? */
bool criteria_are_given(const struct call *call);

bool criteria_match(const struct criteria *criteria, const struct crowd_member *member);

void criteria_clear(struct criteria *criteria);

#endif
