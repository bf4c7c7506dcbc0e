/* SPDX-License-Identifier: MIT
 *
 * The fields of the access log, one row each: templates, JSON, the check of a template and the
 * manual follow from the rows.
 */
#ifndef PRONGD_ACCESS_FIELD_H
#define PRONGD_ACCESS_FIELD_H

#include <prong/address.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct access_event;
struct log_text;

/* Room for any value but the handler's own fields. */
#define ACCESS_VALUE_SIZE 512

/* What the last line needed and the next one probably needs, too.  All zero: nothing. */
struct access_scratch {
    time_t second;
    char date[32], zone[16]; /* of that second */
    struct prong_address local;
    char local_text[PRONG_ADDRESS_TEXT_SIZE];
};

struct access_field {
    const char *name;
    void (*put)(struct access_scratch *scratch, const struct access_event *event,
                struct log_text *line);
    bool is_number;   /* in JSON */
    bool is_handlers; /* its own fields: "key=value …"; in JSON an object */
    const char *help;
};

extern const struct access_field access_fields[];
extern const size_t access_field_count;

/* NULL: there is none. */
const struct access_field *access_field_find(const char *name, size_t size);

#endif
