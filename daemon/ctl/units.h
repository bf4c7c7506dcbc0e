/* SPDX-License-Identifier: MIT
 *
 * Numbers for people.
 */
#ifndef PRONGCTL_UNITS_H
#define PRONGCTL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_SIZE 48

/* "7", "4,000", "1,234,567". */
const char *units_count(uint64_t count, char text[UNITS_SIZE]);

/* "812 B", "1.5 KiB", "20.0 GiB". */
const char *units_bytes(uint64_t bytes, char text[UNITS_SIZE]);

/* The two largest units: "12 s", "3 min 5 s", "2 h 0 min", "40 d 3 h". */
const char *units_duration(uint64_t seconds, char text[UNITS_SIZE]);

#endif
