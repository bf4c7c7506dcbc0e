/* SPDX-License-Identifier: MIT
 *
 * A place of the table on the scoreboard, or one of this worker's own where there is no room.
 */
#include "item.h"

#include <errno.h>
#include <prongd/handler.h>
#include <prongd/service.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "config.h"
#include "items.h"
#include "log.h"
#include "service.h"
#include "shares.h"

struct prongd_item {
    struct prongd_item *next;
    struct service *service;
    struct item_key key;
    struct item_place *place;
    struct item_place *own; /* NULL: the place is everybody's */
    struct share *share;    /* that this worker has it; NULL: there was none */
    bool is_used;
};

/* --- A place --- */

/* Told once: there may be many. */
static void note_no_room(struct service *service, const char *name)
{
    if (!service->has_own_items)
        log_warning("no room for an item that all workers know: each has its own server=%s item=%s",
                    service->config->name, name);
    service->has_own_items = true;
}

static void show_use(const struct prongd_item *item)
{
    if (item->share != NULL)
        item_share_set(item->share, item->is_used && !item->service->has_left);
}

/* More workers than SHARES_REACH, as in a reload of many, leave some without a share for a while.
 */
static void hold(struct prongd_item *item)
{
    const struct service *service = item->service;

    if (item->share != NULL || item->own != NULL)
        return;
    item->share = items_hold(service->shares, service->share_owner, &item->key);
    show_use(item);
}

/* Who has it must be seen before another worker makes one: its place would be free for that. */
static void find_place(struct prongd_item *item, const char *name, const char *origin)
{
    struct service *service = item->service;

    if (items_lock(service->items_fd) < 0) {
        service->items = NULL; /* once is enough to have waited for who is stopped */
        return;
    }
    item->place = items_make(service->items, service->shares, &item->key, name, origin);
    if (item->place != NULL)
        hold(item);
    items_unlock(service->items_fd);
}

static int make_own_place(struct prongd_item *item)
{
    item->own = aligned_alloc(alignof(struct item_place), sizeof(*item->own));
    if (item->own == NULL)
        return -ENOMEM;
    *item->own = (struct item_place){0};
    item->place = item->own;
    return 0;
}

struct prongd_item *prongd_item_new(struct prongd_service *handle, const char *name,
                                    const char *origin)
{
    struct service *service = (struct service *)handle;
    struct prongd_item *item = calloc(1, sizeof(*item));

    if (item == NULL)
        return NULL;
    item->service = service;
    item->key = items_key(service->share_server, service->handler, name);
    item->is_used = true;
    if (service->items != NULL)
        find_place(item, name, origin != NULL ? origin : name);
    if (item->place == NULL) {
        note_no_room(service, name);
        if (make_own_place(item) < 0) {
            free(item);
            errno = ENOMEM;
            return NULL;
        }
    }
    item->next = service->item_list;
    service->item_list = item;
    return item;
}

void prongd_item_free(struct prongd_item *item)
{
    struct prongd_item **link;

    if (item == NULL)
        return;
    link = &item->service->item_list;
    while (*link != item)
        link = &(*link)->next;
    *link = item->next;
    if (item->share != NULL)
        share_set(item->share, 0);
    free(item->own);
    free(item);
}

/* --- Figures --- */

/* NULL: there is no such figure. */
static _Atomic uint64_t *figure_of(const struct prongd_item *item, size_t figure)
{
    return figure < ITEM_FIGURES ? &item->place->figures[figure] : NULL;
}

uint64_t prongd_item_get(const struct prongd_item *item, size_t figure)
{
    const _Atomic uint64_t *number = figure_of(item, figure);

    return number != NULL ? atomic_load_explicit(number, memory_order_relaxed) : 0;
}

void prongd_item_set(struct prongd_item *item, size_t figure, uint64_t value)
{
    _Atomic uint64_t *number = figure_of(item, figure);

    if (number != NULL)
        atomic_store_explicit(number, value, memory_order_relaxed);
}

uint64_t prongd_item_add(struct prongd_item *item, size_t figure, uint64_t number)
{
    _Atomic uint64_t *sum = figure_of(item, figure);

    hold(item);
    return sum != NULL ? atomic_fetch_add_explicit(sum, number, memory_order_relaxed) + number : 0;
}

bool prongd_item_replace(struct prongd_item *item, size_t figure, uint64_t expected, uint64_t value)
{
    _Atomic uint64_t *number = figure_of(item, figure);

    return number != NULL && atomic_compare_exchange_strong(number, &expected, value);
}

/* --- Who uses it --- */

void prongd_item_use(struct prongd_item *item, bool uses)
{
    item->is_used = uses;
    hold(item);
    show_use(item);
}

void prongd_item_set_drained(struct prongd_item *item, bool drained)
{
    atomic_store_explicit(&item->place->is_drained, drained, memory_order_relaxed);
}

void item_leave_all(struct service *service)
{
    service->has_left = true;
    for (struct prongd_item *item = service->item_list; item != NULL; item = item->next)
        show_use(item);
}
