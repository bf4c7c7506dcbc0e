/* SPDX-License-Identifier: MIT
 *
 * A text of bounded size: what does not fit is cut at a whole piece and marked with "…".
 *
 * Pieces are escape sequences and UTF-8 characters, so that a cut never leaves half of one.
 */
#ifndef PRONGD_LOG_TEXT_H
#define PRONGD_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct log_text {
    char *bytes;   /* borrowed; always ends with a NUL */
    size_t room;   /* without the NUL */
    size_t length; /* without the NUL */
    size_t safe;   /* the end of the last piece that leaves room for "…" */
    bool is_cut;
};

/* `size` is at least 1. */
void log_text_init(struct log_text *text, char *bytes, size_t size);

/* One piece, whole or not at all.  Nothing is added after a cut. */
void log_text_add(struct log_text *text, const char *piece, size_t length);

/* Text of our own: only control characters are escaped, so that it stays on one line. */
void log_text_add_line(struct log_text *text, const char *line);

/* Bytes of a stranger: everything but printable ASCII is escaped, the backslash too. */
void log_text_add_foreign(struct log_text *text, const void *bytes, size_t length);

#endif
