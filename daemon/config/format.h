/* SPDX-License-Identifier: MIT
 *
 * Values as they would stand in a file: what parse_value() reads back.
 */
#ifndef PRONGD_FORMAT_H
#define PRONGD_FORMAT_H

#include <prongd/option.h>
#include <stddef.h>

#define FORMAT_NUMBER_SIZE 32

/* A number of that type, in the largest unit that leaves no rest.  Returns `text`. */
const char *format_number(enum prongd_option_type type, uint64_t number, char *text, size_t size);

/* The member of `base` that the row names, of any type but a list: a string that is the member's
 * own, a constant, or in `number`.  "" for a text that is NULL. */
const char *format_value(const struct prongd_option *row, const void *base,
                         char number[FORMAT_NUMBER_SIZE]);

/* The same of any type, malloc'ed: "" for what is not set, a list with commas between its items.
 * NULL when memory is short. */
char *format_row(const struct prongd_option *row, const void *base);

#endif
