/* SPDX-License-Identifier: MIT
 *
 * `prongctl close`: ends connections, by number or by what is said of them.
 */
#ifndef PRONGCTL_CLOSE_H
#define PRONGCTL_CLOSE_H

struct call;

/* Gives the exit status. */
int close_run(struct call *call);

#endif
