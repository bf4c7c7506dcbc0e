/* SPDX-License-Identifier: MIT
 *
 * The observer's process: HTTP about the service, beside it.
 *
 * A stranger's bytes are read here and not in the master; what goes wrong here costs a page.  It
 * ends when the master is gone.
 */
#ifndef PRONGD_OBSERVER_H
#define PRONGD_OBSERVER_H

struct observing;

/* Serves until the channel to the master ends.  Takes what `observing` holds.  Returns the exit
 * status. */
int observer_run(struct observing *observing);

#endif
