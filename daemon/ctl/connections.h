/* SPDX-License-Identifier: MIT
 *
 * `prongctl connections`: who is connected.
 */
#ifndef PRONGCTL_CONNECTIONS_H
#define PRONGCTL_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct call;
struct criteria;
struct crowd;

/* Gives the exit status. */
int connections_run(struct call *call);

/* Leaves those that match. */
void connections_filter(struct crowd *crowd, const struct criteria *criteria);

/* The first `shown` as a table. */
void connections_print(FILE *stream, const struct crowd *crowd, size_t shown);

/* By a column of the help text.  False: there is none of that name. */
bool connections_sort(struct crowd *crowd, const char *column);

#endif
