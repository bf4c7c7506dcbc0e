/* SPDX-License-Identifier: MIT
 *
 * The fields of a log line: "event key=value other=\"two words\"", taken apart.
 *
 * For JSON.  A value goes up to the next " key=", so that nothing of a line is lost whatever its
 * author wrote; quotes around it are taken off.
 */
#ifndef PRONGD_LOG_FIELDS_H
#define PRONGD_LOG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "json_line.h"

struct log_field {
    const char *name, *value; /* into the line */
    size_t name_size, value_size;
};

/* How many bytes come before the first field, without the space between. */
size_t log_fields_event(const char *line);

/* The field at `*rest`, which moves on behind it.  False: none is left. */
bool log_fields_next(const char **rest, struct log_field *field);

/* Every field of the line as a member: what looks like a number as a number, the rest as texts.
 * One whose name was there already is left out. */
void log_fields_to_json(const char *line, struct json_line *json);

#endif
