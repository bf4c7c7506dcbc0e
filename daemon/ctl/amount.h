/* SPDX-License-Identifier: MIT
 *
 * Amounts that people type: "1500ms", "2h", "64K".
 */
#ifndef PRONGCTL_AMOUNT_H
#define PRONGCTL_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* A number with ms, s, m, h or d behind it; without a unit seconds.  False: it is none. */
bool amount_read_ms(const char *text, uint64_t *ms);

/* A number, with K, M, G or T behind it for powers of 1024.  False: it is none. */
bool amount_read_bytes(const char *text, uint64_t *bytes);

/* Digits alone. */
bool amount_read_number(const char *text, uint64_t *number);

#endif
