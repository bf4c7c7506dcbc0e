/* SPDX-License-Identifier: MIT
 *
 * What is right in each option alone, but not in all of them together.
 */
#ifndef PRONGD_CONFLICT_H
#define PRONGD_CONFLICT_H

#include "problems.h"

/* Adds a problem for each address that two servers, or one server twice, would listen on. */
void conflict_check(const struct config *config, struct problems *problems);

#endif
