/* SPDX-License-Identifier: MIT
 *
 * One item of an `upstream` list: an address or a name, and what is said about it.
 *
 *     HOST:PORT, [IPV6]:PORT, unix:/PATH, unix:@NAME   [weight=N] [max_connections=N] [backup]
 */
#ifndef PRONGD_UPSTREAM_ITEM_H
#define PRONGD_UPSTREAM_ITEM_H

#include <prong/address.h>
#include <prongd/option.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPSTREAM_HOST_SIZE   254 /* of a DNS name with its NUL */
#define UPSTREAM_WEIGHT_MOST 256

struct upstream_item {
    const char *text;              /* as it is written; borrowed; NULL: nowhere */
    char host[UPSTREAM_HOST_SIZE]; /* a name to be looked up; "": the address is known */
    struct prong_address address;  /* of a name: the port alone */
    uint32_t weight;
    uint32_t max_connections; /* over all workers; 0: no limit */
    bool is_backup;
    bool is_drained; /* the operator's: nobody is sent there any more */
};

/* How long its address or name is, without what follows. */
size_t upstream_item_name_length(const char *item);

/* Is this the text of the item: its address or name? */
bool upstream_item_is(const char *item, const char *text);

/* Borrows the text.  0, or -EINVAL with one sentence in `problem`. */
int upstream_item_parse(struct upstream_item *item, const char *text, char *problem, size_t size);

/* The same, and no item: the check of the row. */
prongd_check upstream_item_check;

#endif
