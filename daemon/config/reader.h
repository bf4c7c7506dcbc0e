/* SPDX-License-Identifier: MIT
 *
 * Reads an INI file into a document.
 *
 * inih splits the lines; this reader stands before it and hands on only what inih reads right.
 * As packaged (version 55) inih takes the tail of a line that is longer than its buffer for a
 * line of its own, cuts section names at 49 bytes without a word, leaves out empty sections,
 * takes ":" for "=", and tells its handler no line number.
 */
#ifndef PRONGD_READER_H
#define PRONGD_READER_H

#include <stdio.h>

#include "document.h"

/* The longest line, without its end: what fits into inih's buffer of 200 bytes with a space
 * before it, a newline and a NUL behind it. */
#define READER_LINE_LIMIT 197

/* Appends what `stream` holds; `file` is its name in messages.  What is wrong with the lines is
 * added to `problems`, and reading goes on behind it. */
void reader_read(struct document *document, FILE *stream, const char *file,
                 struct problems *problems);

#endif
