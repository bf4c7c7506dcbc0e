/* SPDX-License-Identifier: MIT
 *
 * A wild pointer of another process.
 */
#ifndef WILD_WRITE_H
#define WILD_WRITE_H

/* Writes over the beginning of this process' mapping whose name contains `name`, in a child.  How
 * that ended, as wait(2) says. */
int wild_write(const char *name);

#endif
