/* SPDX-License-Identifier: MIT
 *
 * The format of an access log: a template that is compiled once, and one event as a line of it.
 *
 * In a template $name or ${name} stands for a field, $$ for a dollar sign, and everything else for
 * itself.  Two templates have a name: "text", all fields as key=value, and "json", all fields as an
 * object.
 */
#ifndef PRONGD_ACCESS_FORMAT_H
#define PRONGD_ACCESS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access_end.h"

struct prong_address;

/* The longest line, its newline included: what a pipe takes in one piece (PIPE_BUF). */
#define ACCESS_LINE_SIZE 4096

/* A worker that a connection has left. */
struct access_step {
    uint64_t generation;
    unsigned slot;
    uint64_t age_ms; /* of the connection at that time */
};

/* What the line is about: a connection that has ended, or a client that was refused.  Everything is
 * borrowed. */
struct access_event {
    const char *server;
    const char *handler;
    uint64_t generation; /* of the worker that writes */
    unsigned slot;
    uint64_t id; /* 0: it was refused, and has none */
    const struct prong_address *client;
    const struct prong_address *local;
    uint64_t bytes_in, bytes_out;
    uint64_t duration_ms;
    enum access_end end;
    const char *reason; /* NULL: that of `end` */
    unsigned moves;
    const struct access_step *steps; /* the last of them, the oldest first */
    size_t step_count;
    const char *fields; /* the handler's own, as "key=value key=value"; "" */
};

struct access_format;

/* What is wrong with a template. */
enum access_format_fault {
    ACCESS_FORMAT_FINE,
    ACCESS_FORMAT_UNKNOWN, /* no field has this name */
    ACCESS_FORMAT_NO_NAME, /* no name after a dollar sign */
    ACCESS_FORMAT_NO_BRACE /* ${name without } */
};

/* `name`: the unknown one, cut when it is longer. */
enum access_format_fault access_format_check(const char *template_text, char *name, size_t size);

/* The names of the fields, in the order of their rows; NULL behind the last. */
const char *access_format_field(size_t index);

/* Of a template that was checked.  NULL when memory is short. */
struct access_format *access_format_new(const char *template_text);

/* Does it ask for the handler's own fields?  They cost something to make. */
bool access_format_wants_fields(const struct access_format *format);

/* One line with its newline, at most ACCESS_LINE_SIZE bytes: a longer one is cut with "…".  Control
 * characters in it are escaped.  How long it is. */
size_t access_format_put(struct access_format *format, const struct access_event *event,
                         char bytes[ACCESS_LINE_SIZE]);

/* Accepts NULL. */
void access_format_free(struct access_format *format);

#endif
