/* SPDX-License-Identifier: MIT
 *
 * The list of the programs that run, for prongctl: a roster (base/roster.h), written a slice with
 * each turn of the loop, so that a keeper with thousands of them has its turns meanwhile.
 */
#ifndef PRONGD_LISTING_H
#define PRONGD_LISTING_H

#include <stdint.h>

struct keeper;

/* MESSAGE_TOLD with this ticket follows, with the roster or with an error. */
void listing_start(struct keeper *keeper, uint64_t ticket);

/* Ends all that are under way, without a word: the keeper ends, and the master sees that. */
void listing_stop_all(struct keeper *keeper);

#endif
