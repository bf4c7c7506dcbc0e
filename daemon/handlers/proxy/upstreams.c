/* SPDX-License-Identifier: MIT
 *
 * Choosing and counting.
 */
#include "upstreams.h"

#include <errno.h>
#include <prong/address.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <prongd/service.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "balance.h"
#include "health.h"
#include "proxy_counters.h"
#include "proxy_options.h"
#include "upstream.h"
#include "upstream_check.h"
#include "upstream_figures.h"
#include "upstream_item.h"
#include "upstream_name.h"
#include "upstreams_internal.h"

/* How soon it is looked whether other workers have given places back that clients wait for. */
#define LOOK_AGAIN_MS 50

/* What a connection from another worker has, of which the configuration says nothing. */
static const struct upstream_item stranger = {.weight = 1};

uint64_t upstreams_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void upstreams_changed(const struct upstreams *upstreams)
{
    if (upstreams->on_change != NULL)
        upstreams->on_change(upstreams->user);
}

/* --- Life --- */

/* 0 or -ENOMEM. */
static int check(struct upstream *upstream)
{
    const struct upstreams *upstreams = upstream->owner;

    if (upstreams->config->check_interval_ms == 0)
        return 0;
    upstream->check =
        upstream_check_new(&upstream->health, prongd_loop(upstreams->service), upstreams);
    return upstream->check != NULL ? 0 : -ENOMEM;
}

/* Room for one more candidate.  0 or -ENOMEM. */
static int grow(struct upstreams *upstreams)
{
    struct upstream **candidates =
        realloc(upstreams->candidates, (upstreams->count + 1) * sizeof(struct upstream *));

    if (candidates == NULL)
        return -ENOMEM;
    upstreams->candidates = candidates;
    return 0;
}

static struct upstream *find(const struct upstreams *upstreams, const struct prong_address *address)
{
    struct upstream *upstream = upstreams->first;

    while (upstream != NULL && !prong_address_equal(&upstream->address, address))
        upstream = upstream->next;
    return upstream;
}

/* At the end of the list.  NULL with errno. */
static struct upstream *add(struct upstreams *upstreams, const struct upstream_item *item,
                            const struct prong_address *address)
{
    struct upstream *upstream = NULL;

    if (grow(upstreams) == 0)
        upstream = upstream_new(upstreams, item, address, ++upstreams->last_number);
    if (upstream == NULL)
        return NULL;
    *upstreams->end = upstream;
    upstreams->end = &upstream->next;
    upstreams->count++;
    return upstream;
}

static void drop(struct upstreams *upstreams, struct upstream *upstream);

/* One that was retired, or that a connection brought before its name was known, is used again. */
struct upstream *upstreams_add(struct upstreams *upstreams, const struct upstream_item *item,
                               const struct prong_address *address)
{
    struct upstream *upstream = find(upstreams, address);
    bool is_new = upstream == NULL;

    if (!is_new && upstream->state == UPSTREAM_USED)
        return upstream;
    if (is_new)
        upstream = add(upstreams, item, address);
    if (upstream == NULL)
        return NULL;
    upstream_set_item(upstream, item);
    if (check(upstream) == 0) {
        upstream_enter(upstream, UPSTREAM_USED);
        return upstream;
    }
    if (is_new)
        drop(upstreams, upstream);
    errno = ENOMEM;
    return NULL;
}

static void drop(struct upstreams *upstreams, struct upstream *upstream)
{
    struct upstream **link = &upstreams->first;

    while (*link != upstream)
        link = &(*link)->next;
    *link = upstream->next;
    if (upstreams->end == &upstream->next)
        upstreams->end = link;
    upstreams->count--;
    upstream_free(upstream);
}

void upstreams_retire(struct upstreams *upstreams, struct upstream *upstream)
{
    upstream_check_free(upstream->check);
    upstream->check = NULL;
    upstream_enter(upstream, UPSTREAM_RETIRED);
    if (upstream->places == 0)
        drop(upstreams, upstream);
}

static int use_item(struct upstreams *upstreams, const struct upstream_item *item)
{
    bool is_used = item->host[0] == '\0' ? upstreams_add(upstreams, item, &item->address) != NULL
                                         : upstream_name_new(upstreams, item) != NULL;

    return is_used ? 0 : -ENOMEM;
}

/* The items were checked with the configuration. */
static int read_items(struct upstreams *upstreams, const struct prongd_list *list)
{
    char problem[256];
    int error = 0;

    upstreams->items = calloc(list->count + 1, sizeof(*upstreams->items));
    if (upstreams->items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < list->count && error == 0; i++) {
        struct upstream_item *item = &upstreams->items[i];

        error = upstream_item_parse(item, list->items[i], problem, sizeof(problem));
        if (error == 0)
            error = use_item(upstreams, item);
    }
    return error;
}

static void on_look(struct prong_timer *timer, void *user)
{
    (void)timer;
    upstreams_changed(user);
}

struct upstreams *upstreams_new(struct prongd_service *service)
{
    struct upstreams *upstreams = calloc(1, sizeof(*upstreams));
    int error;

    if (upstreams == NULL)
        return NULL;
    upstreams->service = service;
    upstreams->config = prongd_service_config(service);
    upstreams->end = &upstreams->first;
    balance_init(&upstreams->balance, (enum proxy_balance)upstreams->config->balance);
    upstreams->look = prong_timer_new(prongd_loop(service), on_look, upstreams);
    error = upstreams->look == NULL ? -ENOMEM : read_items(upstreams, &upstreams->config->upstream);
    if (error == 0)
        return upstreams;
    upstreams_free(upstreams);
    errno = -error;
    return NULL;
}

void upstreams_free(struct upstreams *upstreams)
{
    if (upstreams == NULL)
        return;
    upstream_name_free_all(upstreams->names);
    prong_timer_free(upstreams->look);
    while (upstreams->first != NULL)
        drop(upstreams, upstreams->first);
    free(upstreams->candidates);
    free(upstreams->items);
    free(upstreams);
}

void upstreams_watch(struct upstreams *upstreams, void (*on_change)(void *user), void *user)
{
    upstreams->on_change = on_change;
    upstreams->user = user;
}

/* --- Choosing --- */

/* Where it stands in the list, or behind its end. */
static uint32_t find_try(const struct upstream_tries *tries, const struct upstream *upstream)
{
    uint32_t place = 0;

    while (place < tries->count && tries->numbers[place] != upstream->number)
        place++;
    return place;
}

static bool was_tried(const struct upstream_tries *tries, const struct upstream *upstream,
                      uint64_t now)
{
    uint32_t place = find_try(tries, upstream);

    return place < tries->count &&
           !health_is_back(&upstream->health, tries->moments_ms[place], now);
}

static void note_try(struct upstream_tries *tries, const struct upstream *upstream, uint64_t now)
{
    uint32_t place = find_try(tries, upstream);

    tries->numbers[place] = upstream->number;
    tries->moments_ms[place] = now;
    if (place == tries->count)
        tries->count++;
}

/* In this order: when all others are down, those that are down are better than nothing. */
struct tier {
    bool is_backup;
    bool is_usable;
};

static const struct tier tiers[] = {{false, true}, {true, true}, {false, false}, {true, false}};

static bool belongs(const struct tier *tier, const struct upstream *upstream, uint64_t now)
{
    return upstream_is_possible(upstream, now) && upstream->item->is_backup == tier->is_backup &&
           health_is_usable(&upstream->health, now) == tier->is_usable;
}

static size_t collect(struct upstreams *upstreams, const struct tier *tier,
                      const struct upstream_tries *tries, uint64_t now)
{
    size_t count = 0;

    for (struct upstream *one = upstreams->first; one != NULL; one = one->next) {
        if (belongs(tier, one, now) && !was_tried(tries, one, now))
            upstreams->candidates[count++] = one;
    }
    return count;
}

/* A place there; where its time to be left alone is over, as the one client that tries it. */
static bool take(struct upstream *upstream, const struct tier *tier, uint64_t now)
{
    if (!upstream_take_place(upstream))
        return false;
    if (!tier->is_usable || health_claim(&upstream->health, now))
        return true;
    upstream_give_place(upstream, true);
    return false;
}

/* One of the candidates that is not full. */
static struct upstream *take_one(struct upstreams *upstreams, const struct tier *tier, size_t count,
                                 const struct prong_address *client, uint64_t now)
{
    struct upstream **candidates = upstreams->candidates;

    while (count > 0) {
        size_t place = balance_pick(&upstreams->balance, candidates, count, client);

        if (take(candidates[place], tier, now))
            return candidates[place];
        candidates[place] = candidates[--count];
    }
    return NULL;
}

/* Is a name still unknown, or somebody full whom the client has not tried?  Places that other
 * workers give back are looked for. */
static bool may_change(struct upstreams *upstreams, const struct upstream_tries *tries,
                       uint64_t now)
{
    bool is_full = false;

    for (const struct upstream *one = upstreams->first; one != NULL; one = one->next)
        is_full = is_full || (upstream_is_possible(one, now) && !was_tried(tries, one, now));
    is_full = is_full && tries->count < UPSTREAM_TRIES;
    if (is_full && !prong_timer_is_active(upstreams->look))
        prong_timer_start(upstreams->look, LOOK_AGAIN_MS, 0);
    return is_full || upstream_name_waits(upstreams->names);
}

struct upstream *upstreams_choose(struct upstreams *upstreams, struct prong_socket *client,
                                  struct upstream_tries *tries)
{
    struct prong_address address = {0};
    struct upstream *upstream = NULL;
    uint64_t now = upstreams_now_ms();
    size_t tier_count = tries->count < UPSTREAM_TRIES ? sizeof(tiers) / sizeof(tiers[0]) : 0;

    (void)prong_socket_remote(client, &address);
    for (size_t i = 0; i < tier_count && upstream == NULL; i++) {
        size_t count = collect(upstreams, &tiers[i], tries, now);

        upstream = take_one(upstreams, &tiers[i], count, &address, now);
    }
    if (upstream == NULL) {
        errno = may_change(upstreams, tries, now) ? EAGAIN : EHOSTUNREACH;
        return NULL;
    }
    if (tries->count > 0)
        (void)prongd_item_add(upstream->shared, FIGURE_RETRIES, 1);
    note_try(tries, upstream, now);
    return upstream;
}

/* Every address of the item is shown so. */
static void drain_item(struct upstreams *upstreams, struct upstream_item *item, bool drained)
{
    item->is_drained = drained;
    for (struct upstream *one = upstreams->first; one != NULL; one = one->next) {
        if (one->item == item)
            prongd_item_set_drained(one->shared, drained);
    }
}

int upstreams_drain(struct upstreams *upstreams, const char *item, bool drained)
{
    const struct prongd_list *list = &upstreams->config->upstream;
    int result = -ENOENT;

    for (size_t i = 0; i < list->count; i++) {
        if (!upstream_item_is(list->items[i], item))
            continue;
        drain_item(upstreams, &upstreams->items[i], drained);
        result = 0;
    }
    upstreams_changed(upstreams);
    return result;
}

const struct upstream *upstreams_find(const struct upstreams *upstreams, uint32_t number)
{
    const struct upstream *upstream = upstreams->first;

    while (upstream != NULL && upstream->number != number)
        upstream = upstream->next;
    return upstream;
}

struct upstream *upstreams_adopt(struct upstreams *upstreams, const struct prong_address *address)
{
    struct upstream *upstream = find(upstreams, address);

    if (upstream == NULL) {
        upstream = add(upstreams, &stranger, address);
        if (upstream == NULL)
            return NULL;
        upstream_enter(upstream, UPSTREAM_RETIRED);
    }
    upstream_add_place(upstream);
    return upstream;
}

/* --- What becomes of it --- */

static void give_place(struct upstream *upstream, bool counts)
{
    struct upstreams *upstreams = upstream->owner;

    upstream_give_place(upstream, counts);
    if (upstream->state == UPSTREAM_RETIRED && upstream->places == 0)
        drop(upstreams, upstream);
    upstreams_changed(upstreams);
}

void upstream_connected(struct upstream *upstream, uint64_t connect_us)
{
    (void)prongd_item_add(upstream->shared, FIGURE_CONNECTS, 1);
    (void)prongd_item_add(upstream->shared, FIGURE_CONNECT_US, connect_us);
    health_note_success(&upstream->health, upstreams_now_ms());
}

void upstream_failed(struct upstream *upstream, int error)
{
    prongd_count(upstream->owner->service, PROXY_COUNT_FAILURES, 1);
    (void)prongd_item_add(upstream->shared, FIGURE_FAILURES, 1);
    health_note_failure(&upstream->health, error, upstreams_now_ms());
    give_place(upstream, true);
}

void upstream_canceled(struct upstream *upstream)
{
    health_note_nothing(&upstream->health, upstreams_now_ms());
    give_place(upstream, true);
}

void upstream_closed(struct upstream *upstream)
{
    give_place(upstream, true);
}

void upstream_left(struct upstream *upstream)
{
    give_place(upstream, false);
}
