/* SPDX-License-Identifier: MIT
 *
 * Plain text for manual pages.
 */
#ifndef PRONGD_ROFF_H
#define PRONGD_ROFF_H

#include <stdio.h>

/* Text as it is: a backslash, and a hyphen that must stay one, are written otherwise in roff, and
 * a line may not begin like a request. */
void roff_text(FILE *stream, const char *text);

/* The same, and the end of the line. */
void roff_sentence(FILE *stream, const char *text);

#endif
