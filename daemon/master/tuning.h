/* SPDX-License-Identifier: MIT
 *
 * What of a listening handle may be changed while it listens: its backlog and its congestion
 * control, which its connections inherit.
 */
#ifndef PRONGD_TUNING_H
#define PRONGD_TUNING_H

struct generation;

/* The handles of a generation become what its configuration says, also when they were opened for
 * another one.  What the kernel refuses stays as it is, with a warning. */
void tuning_apply(const struct generation *generation);

#endif
