/* SPDX-License-Identifier: MIT
 *
 * A JSON object on one line, written into a buffer of bounded size.
 *
 * For lines that are written often: no tree, no memory.  What comes out is valid JSON whatever
 * bytes go in: a text that does not fit is cut with "…", and a member that does not fit is left
 * out.
 */
#ifndef PRONGD_JSON_LINE_H
#define PRONGD_JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "log_text.h"

struct json_line {
    struct log_text text;
    unsigned depth; /* of objects that are open */
};

/* Objects in objects, the outermost included. */
#define JSON_LINE_DEPTH 4

/* Begins with "{".  `size` is at least 16. */
void json_line_begin(struct json_line *line, char *bytes, size_t size);

/* `name` is plain ASCII of our own.  Control characters are escaped as JSON wants it; a byte that
 * is no UTF-8 is written as the four characters \xNN. */
void json_line_text(struct json_line *line, const char *name, const char *text);
void json_line_bytes(struct json_line *line, const char *name, const void *bytes, size_t size);
void json_line_number(struct json_line *line, const char *name, uint64_t number);

/* Written as it is: a number, true, false or null. */
void json_line_literal(struct json_line *line, const char *name, const char *literal,
                       size_t length);

/* An object as a member, until json_line_close(). */
void json_line_open(struct json_line *line, const char *name);
void json_line_close(struct json_line *line);

/* Ends every object.  The length of the line, which ends with a NUL and has no newline. */
size_t json_line_end(struct json_line *line);

/* The bytes of the UTF-8 character that begins here, 1 to 4; 0: it is none (Unicode 15, table
 * 3-7: nothing overlong, no surrogates). */
size_t json_line_character(const unsigned char *bytes, size_t size);

#endif
