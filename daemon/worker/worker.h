/* SPDX-License-Identifier: MIT
 *
 * A worker: one libev loop that accepts and serves clients with the handlers of its
 * configuration, until the master says otherwise or is gone.
 */
#ifndef PRONGD_WORKER_H
#define PRONGD_WORKER_H

struct inheritance;

/* Runs in the forked child, with every signal blocked.  Takes all that is inherited.
 * The exit status. */
int worker_run(struct inheritance *inheritance);

#endif
