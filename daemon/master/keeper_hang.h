/* SPDX-License-Identifier: MIT
 *
 * Keepers that hang: they have not answered for worker_timeout.
 *
 * Nothing that such a keeper runs is touched: its programs have clients.  It is logged with what is
 * known of it, and another keeper takes clients from then on, as after a reload; it is to end with
 * its last program, when it comes back, and what it runs counts in the limits until then.  As it
 * buries nobody meanwhile, it is killed as soon as none of its programs lives.
 */
#ifndef PRONGD_KEEPER_HANG_H
#define PRONGD_KEEPER_HANG_H

#include <stdint.h>

struct kept;

/* A look at the keepers of one server, once a second. */
void keeper_hang_look(struct kept *kept, uint64_t timeout_ms);

#endif
