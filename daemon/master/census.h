/* SPDX-License-Identifier: MIT
 *
 * How many connections there are, by the scoreboard.
 */
#ifndef PRONGD_CENSUS_H
#define PRONGD_CENSUS_H

#include <stdint.h>

struct generation;

uint64_t census_server(const struct generation *generation, unsigned server);
uint64_t census_generation(const struct generation *generation);

#endif
