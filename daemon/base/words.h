/* SPDX-License-Identifier: MIT
 *
 * A command as words, as a shell would cut it, but without a shell.
 *
 * Words end at spaces.  'single quotes' keep everything as it is, "double quotes" everything but \"
 * and \\, and a backslash outside of quotes keeps the next character.  Nothing is expanded: what a
 * shell would do with | & ; < > ` $ is refused outside of quotes, since it would not happen.
 */
#ifndef PRONGD_WORDS_H
#define PRONGD_WORDS_H

#include <stddef.h>

/* At least one word; ends with NULL.  One piece of memory: free() it.  NULL with one sentence in
 * `problem`. */
char **words_split(const char *text, char *problem, size_t size);

#endif
