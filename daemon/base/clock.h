/* SPDX-License-Identifier: MIT
 *
 * Time that passes: nobody can set this clock.
 *
 * Not ev_now(): that is the time of day, which jumps when somebody sets it.
 */
#ifndef PRONGD_CLOCK_H
#define PRONGD_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, from any beginning. */
double clock_s(void);
uint64_t clock_ms(void);

#endif
