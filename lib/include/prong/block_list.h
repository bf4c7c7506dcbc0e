/* SPDX-License-Identifier: MIT
 *
 * Block lists: addresses whose connections are not wanted.
 *
 * A rule is an address, an inclusive range or a subnet.  IPv4 stands at its mapped place in the
 * IPv6 space (::ffff:a.b.c.d), so a rule of one notation matches the other (R116).  Ports and zones
 * play no part, and a unix address is never blocked.
 *
 * Any number of servers and sockets may borrow one list.  Adding and checking cost O(log n) in
 * the number of rules.
 */
#ifndef PRONG_BLOCK_LIST_H
#define PRONG_BLOCK_LIST_H

#include <prong/address.h>
#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>

PRONG_BEGIN

struct prong_block_list;

/* One rule as it was added.  Ports are 0. */
struct prong_block_rule {
    struct prong_address first;
    struct prong_address last; /* the same as `first` for a single address */
    int prefix;                /* of a subnet; -1 for addresses and ranges */
};

/* An empty list.  NULL with errno ENOMEM. */
PRONG_API struct prong_block_list *prong_block_list_new(void);

/* Accepts NULL.  Nobody may be borrowing it any more. */
PRONG_API void prong_block_list_free(struct prong_block_list *list);

/* -EINVAL when it is no IP address; -ENOMEM.  The list is untouched then; so below. */
PRONG_API PRONG_CHECK int prong_block_list_add_address(struct prong_block_list *list,
                                                       const struct prong_address *address);

/* From `first` to `last`, both included.  -EINVAL also when the families differ, or when `last`
 * comes before `first`. */
PRONG_API PRONG_CHECK int prong_block_list_add_range(struct prong_block_list *list,
                                                     const struct prong_address *first,
                                                     const struct prong_address *last);

/* All addresses that share the first `prefix` bits, 0 to 32 for IPv4, 0 to 128 for IPv6; the bits
 * behind them are ignored.  -EINVAL also for another prefix. */
PRONG_API PRONG_CHECK int prong_block_list_add_subnet(struct prong_block_list *list,
                                                      const struct prong_address *network,
                                                      unsigned prefix);

/* "10.0.0.0/8", "fe80::/10", or a single "192.0.2.1".  -EINVAL also for anything else. */
PRONG_API PRONG_CHECK int prong_block_list_add_cidr(struct prong_block_list *list,
                                                    const char *text);

/* Does a rule match?  false for what is no IP address. */
PRONG_API bool prong_block_list_check(const struct prong_block_list *list,
                                      const struct prong_address *address);

/* The same for text; false for NULL, and for text that is no IP address. */
PRONG_API bool prong_block_list_check_ip(const struct prong_block_list *list, const char *ip);

/* Rules in the list. */
PRONG_API size_t prong_block_list_count(const struct prong_block_list *list);

/* Calls `visit` for each rule, the newest first, until it returns false.  It must not change the
 * list; the rule dies with the call. */
PRONG_API void prong_block_list_each(const struct prong_block_list *list,
                                     bool (*visit)(const struct prong_block_rule *rule, void *user),
                                     void *user);

/* Removes every rule. */
PRONG_API void prong_block_list_clear(struct prong_block_list *list);

PRONG_END

#endif
