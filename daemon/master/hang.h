/* SPDX-License-Identifier: MIT
 *
 * Workers that hang: their loop has not turned for worker_timeout.
 *
 * A loop turns at least once a second, whatever its clients do.  Such a worker is logged with what
 * is known of it, gets SIGABRT, so that a core file shows where it is, and is replaced.  Keepers
 * are another matter (keeper_hang.h), looked at together with them.
 */
#ifndef PRONGD_HANG_H
#define PRONGD_HANG_H

struct hang;
struct master;

/* NULL with errno ENOMEM. */
struct hang *hang_new(struct master *master);

void hang_start(struct hang *hang);

/* Accepts NULL. */
void hang_free(struct hang *hang);

#endif
