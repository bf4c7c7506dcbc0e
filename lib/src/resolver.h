/* SPDX-License-Identifier: MIT
 *
 * Names to addresses without blocking the loop: c-ares driven by libev.
 *
 * Honours /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf.
 */
#ifndef PRONG_RESOLVER_H
#define PRONG_RESOLVER_H

struct prong_lookup;
struct resolver;

/* Asks the loop's resolver, which is made with the first question; prong_lookup_answer() follows.
 */
void resolver_ask(struct prong_lookup *lookup);

/* Somebody who asked waits no more.  When nobody does, every question is dropped: one that nobody
 * waits for must not keep the loop alive. */
void resolver_leave(struct resolver *resolver);

/* Accepts NULL.  Nobody may be waiting. */
void resolver_free(struct resolver *resolver);

#endif
