/* SPDX-License-Identifier: MIT
 *
 * The name of an `upstream` item: looked up at the beginning, and again when its time is over.
 *
 * Every address of the name is an upstream.  A lookup that fails leaves those that there are.
 */
#ifndef PRONGD_UPSTREAM_NAME_H
#define PRONGD_UPSTREAM_NAME_H

#include <stdbool.h>

struct upstream_item;
struct upstream_name;
struct upstreams;

/* Asks at once.  Borrows both.  NULL with errno ENOMEM. */
struct upstream_name *upstream_name_new(struct upstreams *upstreams,
                                        const struct upstream_item *item);

/* One of the list was never answered yet. */
bool upstream_name_waits(const struct upstream_name *names);

/* The whole list.  Accepts NULL. */
void upstream_name_free_all(struct upstream_name *names);

#endif
