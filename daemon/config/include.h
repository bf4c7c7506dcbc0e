/* SPDX-License-Identifier: MIT
 *
 * Files that a configuration includes: `include = conf.d/NAME.conf`, relative to the file that says
 * so, in the order of their names.
 */
#ifndef PRONGD_INCLUDE_H
#define PRONGD_INCLUDE_H

#include <stdio.h>

#include "document.h"

/* Reads `stream`, whose name is `file`, and then all files that it includes, and those that they
 * include.  A pattern may match nothing; a plain name must exist.  Problems name their own file. */
void include_read(struct document *document, FILE *stream, const char *file,
                  struct problems *problems);

#endif
