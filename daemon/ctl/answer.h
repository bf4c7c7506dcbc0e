/* SPDX-License-Identifier: MIT
 *
 * Shows an answer of the master.
 */
#ifndef PRONGCTL_ANSWER_H
#define PRONGCTL_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "command.h"

/* On stdout for people, or as it is with `json`; an error on stderr.  Returns the exit status:
 * 0, or what the answer names. */
int answer_show(json_t *answer, enum command command, bool json);

/* As JSON on stdout. */
void answer_dump(const json_t *answer);

/* One line on stderr, for people who wait. */
void answer_show_progress(const json_t *progress);

/* The same for those who asked for JSON: nothing. */
void answer_hide_progress(const json_t *progress);

#endif
