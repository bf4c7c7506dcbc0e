/* SPDX-License-Identifier: MIT
 *
 * Checks: whether an upstream can be connected, asked every `check_interval` by one worker.
 *
 * Which one says a lease in the upstream's figures: who checks next, and when.  Who has it renews
 * it with each check.  The worker that began last takes it, so that an old generation has none; and
 * one that does not check in time, because it is dead or stopped, loses it to another one within
 * half an interval.
 */
#ifndef PRONGD_UPSTREAM_CHECK_H
#define PRONGD_UPSTREAM_CHECK_H

struct health;
struct prong_loop;
struct upstream_check;
struct upstreams;

/* The first one follows soon, unless others have checked it lately.  Borrows all.  NULL with errno
 * ENOMEM. */
struct upstream_check *upstream_check_new(struct health *health, struct prong_loop *loop,
                                          const struct upstreams *upstreams);

/* Accepts NULL. */
void upstream_check_free(struct upstream_check *check);

#endif
