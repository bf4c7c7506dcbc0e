/* SPDX-License-Identifier: MIT
 *
 * Text to value: one function for each type of option.
 */
#ifndef PRONGD_PARSE_H
#define PRONGD_PARSE_H

#include <prongd/option.h>
#include <stddef.h>

/* Room for one sentence about a value. */
#define PARSE_PROBLEM_SIZE 512

/* Reads `text` into the member of `base` that the row names.  Of a list, `text` is one item and
 * is appended; any other value is replaced.
 * 0; -EINVAL with what is wrong, and what is allowed, in `problem`; -ENOMEM. */
int parse_value(const struct prongd_option *row, const char *text, void *base, char *problem,
                size_t size);

/* Writes the sentence.  Returns -EINVAL, always. */
int parse_refuse(char *problem, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The next item of a list, cut out of `*rest`; NULL when none is left.  A comma at the end of
 * the text is not followed by an item, between two commas there is an empty one. */
char *parse_next_item(char **rest);

/* `text` without the spaces around it, of which those behind are overwritten. */
char *parse_trim(char *text);

/* What a number may end with, from small to large; the last row's suffix is NULL. */
struct parse_unit {
    const char *suffix;
    uint64_t factor;
};

/* Of a count, a size or a duration. */
const struct parse_unit *parse_units(enum prongd_option_type type);

/* The type's name ("duration"), and how a value of it is written, as the end of a sentence. */
const char *parse_type_name(enum prongd_option_type type);
const char *parse_type_syntax(enum prongd_option_type type);

#endif
