/* SPDX-License-Identifier: MIT
 *
 * prongctl tap: the bytes of one connection, for people or as packets.
 */
#ifndef PRONGCTL_TAP_H
#define PRONGCTL_TAP_H

struct call;

/* Reads a tap's stream until its end, the bound of time, or Ctrl-C, and says on stderr which it
 * was.  The exit status. */
int tap_run(struct call *call);

#endif
