/* SPDX-License-Identifier: MIT
 *
 * What a keeper may: what its programs may, and no more.
 */
#ifndef PRONGD_RIGHTS_H
#define PRONGD_RIGHTS_H

struct keeping;

/* Becomes whom programs run as, for good.  0, or a negative code, which is logged. */
int rights_drop(const struct keeping *keeping);

#endif
