/* SPDX-License-Identifier: MIT
 *
 * Places, and what becomes of an upstream.
 */
#include "upstream.h"

#include <errno.h>
#include <prongd/service.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy_options.h"
#include "upstream_check.h"
#include "upstream_figures.h"
#include "upstream_item.h"
#include "upstreams_internal.h"

/* FNV-1a */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* --- Life --- */

/* What all workers know of it.  0 or -ENOMEM. */
static int share(struct upstream *upstream, const char *name)
{
    struct upstreams *upstreams = upstream->owner;
    const char *text = upstream->item->text != NULL ? upstream->item->text : name;
    char origin[UPSTREAM_HOST_SIZE + sizeof(":65535")];

    (void)snprintf(origin, sizeof(origin), "%.*s", (int)upstream_item_name_length(text), text);
    upstream->limit = prongd_limit_new(upstreams->service, name);
    upstream->shared = prongd_item_new(upstreams->service, name, origin);
    if (upstream->limit == NULL || upstream->shared == NULL)
        return -ENOMEM;
    upstream->health = (struct health){.service = upstreams->service,
                                       .config = upstreams->config,
                                       .address = &upstream->address,
                                       .item = upstream->shared};
    return 0;
}

struct upstream *upstream_new(struct upstreams *owner, const struct upstream_item *item,
                              const struct prong_address *address, uint32_t number)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));
    char text[PRONG_ADDRESS_TEXT_SIZE];

    if (upstream == NULL)
        return NULL;
    prong_address_format(address, text, sizeof(text));
    upstream->owner = owner;
    upstream->item = item;
    upstream->address = *address;
    upstream->hash = hash_text(text);
    upstream->number = number;
    if (share(upstream, text) == 0)
        return upstream;
    upstream_free(upstream);
    errno = ENOMEM;
    return NULL;
}

void upstream_free(struct upstream *upstream)
{
    upstream_check_free(upstream->check);
    prongd_limit_free(upstream->limit);
    prongd_item_free(upstream->shared);
    free(upstream);
}

void upstream_enter(struct upstream *upstream, enum upstream_state state)
{
    upstream->state = state;
    prongd_item_use(upstream->shared, state == UPSTREAM_USED);
}

void upstream_set_item(struct upstream *upstream, const struct upstream_item *item)
{
    upstream->item = item;
    prongd_item_set(upstream->shared, FIGURE_WEIGHT, item->weight);
    prongd_item_set(upstream->shared, FIGURE_BACKUP, item->is_backup);
    if (item->is_drained)
        prongd_item_set_drained(upstream->shared, true);
    health_settle(&upstream->health, upstreams_now_ms());
}

bool upstream_is_possible(const struct upstream *upstream, uint64_t now_ms)
{
    return upstream->state == UPSTREAM_USED && !upstream->item->is_drained &&
           health_is_possible(&upstream->health, now_ms);
}

uint32_t upstream_number(const struct upstream *upstream)
{
    return upstream->number;
}

const struct prong_address *upstream_address(const struct upstream *upstream)
{
    return &upstream->address;
}

/* --- Places --- */

/* 0, or that it is not counted. */
static int count(struct upstream *upstream, uint64_t most)
{
    int error = prongd_limit_take(upstream->limit, most);

    if (error == 0)
        upstream->counted++;
    return error;
}

bool upstream_take_place(struct upstream *upstream)
{
    uint32_t most = upstream->item->max_connections;

    if (count(upstream, most) < 0 && most > 0)
        return false;
    upstream->places++;
    return true;
}

void upstream_add_place(struct upstream *upstream)
{
    (void)count(upstream, 0);
    upstream->places++;
}

void upstream_give_place(struct upstream *upstream, bool counts)
{
    upstream->places--;
    if (upstream->counted == 0)
        return;
    upstream->counted--;
    if (counts)
        prongd_limit_give(upstream->limit);
}

uint64_t upstream_connections(const struct upstream *upstream)
{
    return prongd_limit_sum(upstream->limit);
}

struct prongd_limit *upstream_limit(const struct upstream *upstream)
{
    return upstream->counted > 0 ? upstream->limit : NULL;
}
