/* SPDX-License-Identifier: MIT
 *
 * How many programs may run at once: of the server, and for each address.
 *
 * The counts are shares on the scoreboard (base/shares.h), so that they hold over all keepers of
 * the server: one that was retired by a reload has programs, too.
 */
#ifndef PRONGD_ALLOWANCE_H
#define PRONGD_ALLOWANCE_H

#include <stdint.h>

struct keeping;
struct prong_address;
struct shares;

struct allowance {
    const struct keeping *keeping;
    struct shares *shares;
    uint64_t owner;
    uint64_t server;
};

enum allowance_answer {
    ALLOWANCE_GRANTED,
    ALLOWANCE_PROCESSES, /* max_processes */
    ALLOWANCE_ADDRESS,   /* max_processes_per_address */
    ALLOWANCE_TABLE      /* the table of shares is full */
};

/* "max_processes" … */
const char *allowance_name(enum allowance_answer answer);

/* Borrows `keeping`, which has the scoreboard. */
void allowance_init(struct allowance *allowance, const struct keeping *keeping);

/* A program for this client: granted, it counts until it is given back. */
enum allowance_answer allowance_take(struct allowance *allowance,
                                     const struct prong_address *client);
void allowance_give(struct allowance *allowance, const struct prong_address *client);

#endif
