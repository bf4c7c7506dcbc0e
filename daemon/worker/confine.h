/* SPDX-License-Identifier: MIT
 *
 * What a worker may be and use: limits, CPUs, priority, user, root directory, capabilities.
 */
#ifndef PRONGD_CONFINE_H
#define PRONGD_CONFINE_H

struct inheritance;

/* Applies all of it to this process, for good; the listening handles are open already.  0, or a
 * negative code, which is logged with the name of the option. */
int confine(const struct inheritance *inheritance);

#endif
