/* SPDX-License-Identifier: MIT
 *
 * Limits and items of one process.
 */
#include "stand_in_fixture.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prongd/handler.h>

#define ITEMS 8

static const struct stand_in *of(const struct prongd_service *service)
{
    return (const struct stand_in *)(const void *)service;
}

const void *prongd_service_config(const struct prongd_service *service)
{
    return &of(service)->config;
}

struct prong_loop *prongd_loop(const struct prongd_service *service)
{
    return of(service)->loop;
}

void prongd_service_log(const struct prongd_service *service, enum prongd_log_level level,
                        const char *format, ...)
{
    (void)level;
    (void)format;
    ((struct stand_in *)(uintptr_t)service)->lines++;
}

void prongd_count(struct prongd_service *service, size_t counter, uint64_t number)
{
    (void)service;
    (void)counter;
    (void)number;
}

/* --- Limits --- */

struct prongd_limit *prongd_limit_new(struct prongd_service *service, const char *name)
{
    (void)service;
    (void)name;
    return calloc(1, sizeof(uint64_t));
}

void prongd_limit_free(struct prongd_limit *limit)
{
    free(limit);
}

int prongd_limit_take(struct prongd_limit *limit, uint64_t most)
{
    uint64_t *taken = (uint64_t *)(void *)limit;

    if (most > 0 && *taken >= most)
        return -EDQUOT;
    ++*taken;
    return 0;
}

void prongd_limit_give(struct prongd_limit *limit)
{
    --*(uint64_t *)(void *)limit;
}

uint64_t prongd_limit_sum(const struct prongd_limit *limit)
{
    return *(const uint64_t *)(const void *)limit;
}

/* --- Items --- */

struct prongd_item {
    char name[64];
    _Atomic uint64_t figures[PRONGD_FIGURES];
};

static struct prongd_item items[ITEMS];

void stand_in_clear(void)
{
    memset(items, 0, sizeof(items));
}

struct prongd_item *prongd_item_new(struct prongd_service *service, const char *name,
                                    const char *origin)
{
    (void)service;
    (void)origin;
    for (size_t i = 0; i < ITEMS; i++) {
        if (items[i].name[0] == '\0')
            (void)snprintf(items[i].name, sizeof(items[i].name), "%s", name);
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    }
    errno = ENOMEM;
    return NULL;
}

void prongd_item_free(struct prongd_item *item)
{
    (void)item;
}

uint64_t prongd_item_get(const struct prongd_item *item, size_t figure)
{
    return item->figures[figure];
}

void prongd_item_set(struct prongd_item *item, size_t figure, uint64_t value)
{
    item->figures[figure] = value;
}

uint64_t prongd_item_add(struct prongd_item *item, size_t figure, uint64_t number)
{
    return atomic_fetch_add(&item->figures[figure], number) + number;
}

bool prongd_item_replace(struct prongd_item *item, size_t figure, uint64_t expected, uint64_t value)
{
    return atomic_compare_exchange_strong(&item->figures[figure], &expected, value);
}

void prongd_item_use(struct prongd_item *item, bool uses)
{
    (void)item;
    (void)uses;
}

void prongd_item_set_drained(struct prongd_item *item, bool drained)
{
    (void)item;
    (void)drained;
}
