/* SPDX-License-Identifier: MIT
 *
 * The bequest: what a worker got over the fork (base/inheritance.h), and gives up at its end.
 */
#ifndef PRONGD_BEQUEST_H
#define PRONGD_BEQUEST_H

struct inheritance;

/* Closes and frees what is left of it. */
void bequest_clear(struct inheritance *inheritance);

#endif
