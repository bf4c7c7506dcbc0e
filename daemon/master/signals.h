/* SPDX-License-Identifier: MIT
 *
 * Signals to the master.
 */
#ifndef PRONGD_SIGNALS_H
#define PRONGD_SIGNALS_H

#include <stdbool.h>

struct master;

/* Obeys them from the loop.  False with errno ENOMEM. */
bool signals_start(struct master *master);

/* Harmless when they were not started. */
void signals_stop(struct master *master);

#endif
