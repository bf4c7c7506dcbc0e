/* SPDX-License-Identifier: MIT
 *
 * What a reload did, as a sentence, and how far it is.
 */
#ifndef PRONGCTL_RELOAD_H
#define PRONGCTL_RELOAD_H

#include <jansson.h>
#include <stdio.h>

/* "generation 5 serves; 4,000 connections moved, 0 drained in 0.04 s". */
void reload_print(FILE *stream, json_t *answer);

/* One line, when it says something else than the last one. */
void reload_print_progress(FILE *stream, const json_t *progress);

#endif
