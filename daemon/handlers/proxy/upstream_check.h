/* SPDX-License-Identifier: MIT
 *
 * Checks: whether an upstream can be connected, asked every `check_interval` in each worker.
 */
#ifndef PRONGD_UPSTREAM_CHECK_H
#define PRONGD_UPSTREAM_CHECK_H

struct prong_loop;
struct proxy_config;
struct upstream;
struct upstream_check;

/* The first one follows soon.  Borrows all.  NULL with errno ENOMEM. */
struct upstream_check *upstream_check_new(struct upstream *upstream,
                                          const struct proxy_config *config,
                                          struct prong_loop *loop);

/* Accepts NULL. */
void upstream_check_free(struct upstream_check *check);

#endif
