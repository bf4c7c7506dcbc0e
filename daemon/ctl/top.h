/* SPDX-License-Identifier: MIT
 *
 * `prongctl top`: what goes on, again and again.
 */
#ifndef PRONGCTL_TOP_H
#define PRONGCTL_TOP_H

struct call;

/* Gives the exit status. */
int top_run(struct call *call);

#endif
