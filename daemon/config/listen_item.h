/* SPDX-License-Identifier: MIT
 *
 * One item of a `listen` list: HOST:PORT, [IPV6]:PORT, *:PORT, unix:/PATH, unix:@NAME,
 * systemd:NAME.
 */
#ifndef PRONGD_LISTEN_ITEM_H
#define PRONGD_LISTEN_ITEM_H

#include "config.h"

/* Is it written as one of these?  Names are not looked up. */
prongd_check listen_item_check;

/* Makes an address of an item that passed the check; a host's name is looked up, which may take
 * as long as the resolver does; of systemd:NAME the name stays in `item`.  0, or -EINVAL with the
 * sentence in `problem`. */
int listen_item_resolve(struct config_listen *listen, const char *item, char *problem, size_t size);

/* Would the kernel refuse the second of the two, because both want the same port or path?
 * `…_ipv6_only` is the option of the server that the item belongs to. */
bool listen_items_clash(const struct config_listen *left, bool left_ipv6_only,
                        const struct config_listen *right, bool right_ipv6_only);

#endif
