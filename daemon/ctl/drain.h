/* SPDX-License-Identifier: MIT
 *
 * `prongctl drain`: tells the master, and waits for the last connection.
 */
#ifndef PRONGCTL_DRAIN_H
#define PRONGCTL_DRAIN_H

struct call;

/* Gives the exit status. */
int drain_run(struct call *call);

#endif
