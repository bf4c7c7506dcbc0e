/* SPDX-License-Identifier: MIT
 *
 * How far something is, for who waits for it: {"state": …, …} of a waiting_progress.
 *
 * Each gives an object, NULL when memory is short.
 */
#ifndef PRONGD_PROGRESS_H
#define PRONGD_PROGRESS_H

#include <jansson.h>
#include <stdint.h>

struct generation;
struct generation_list;

/* The configuration is being checked. */
json_t *progress_check(void);

/* Workers of a new generation start. */
json_t *progress_start(const struct generation *generation);

/* Its first worker serves for `left_s` seconds more before the others start. */
json_t *progress_trial(const struct generation *generation, double left_s);

/* It gives its connections away. */
json_t *progress_leaving(const struct generation *generation);

/* All of them end. */
json_t *progress_stopping(const struct generation_list *generations);

#endif
