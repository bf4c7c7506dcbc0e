/* SPDX-License-Identifier: MIT
 *
 * Whole numbers as text, for lines that are written for every connection: snprintf(3) takes longer
 * for one number than this for a line.
 */
#ifndef PRONGD_DECIMAL_H
#define PRONGD_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Room for the largest number; there is no NUL. */
#define DECIMAL_SIZE 20

/* How many digits were written. */
size_t decimal_put(char text[DECIMAL_SIZE], uint64_t number);

/* Exactly so many digits, with zeros in front; `number` must fit. */
void decimal_put_digits(char *text, unsigned digits, unsigned number);

#endif
