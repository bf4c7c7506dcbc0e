/* SPDX-License-Identifier: MIT
 *
 * The health of an upstream, as its clients see it.
 */
#include "upstream.h"

#include <assert.h>
#include <errno.h>
#include <prongd/service.h>
#include <stdlib.h>

#include "proxy_counters.h"
#include "proxy_options.h"
#include "upstream_check.h"
#include "upstream_item.h"
#include "upstreams_internal.h"

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [UPSTREAM_UP] = TO(UPSTREAM_DOWN) | TO(UPSTREAM_FAILED) | TO(UPSTREAM_RETIRED),
    [UPSTREAM_DOWN] =
        TO(UPSTREAM_TRIAL) | TO(UPSTREAM_UP) | TO(UPSTREAM_FAILED) | TO(UPSTREAM_RETIRED),
    [UPSTREAM_TRIAL] =
        TO(UPSTREAM_UP) | TO(UPSTREAM_DOWN) | TO(UPSTREAM_FAILED) | TO(UPSTREAM_RETIRED),
    [UPSTREAM_FAILED] = TO(UPSTREAM_UP) | TO(UPSTREAM_RETIRED),
    [UPSTREAM_RETIRED] = TO(UPSTREAM_UP),
};

/* FNV-1a of the address as text. */
static uint64_t hash_address(const struct prong_address *address)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    prong_address_format(address, text, sizeof(text));
    for (const char *byte = text; *byte != '\0'; byte++)
        hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001b3);
    return hash;
}

struct upstream *upstream_new(struct upstreams *owner, const struct upstream_item *item,
                              const struct prong_address *address, uint32_t number)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));

    if (upstream == NULL)
        return NULL;
    upstream->owner = owner;
    upstream->item = item;
    upstream->address = *address;
    upstream->hash = hash_address(address);
    upstream->number = number;
    return upstream;
}

void upstream_free(struct upstream *upstream)
{
    upstream_check_free(upstream->check);
    prongd_limit_free(upstream->limit);
    free(upstream);
}

/* --- Places --- */

int upstream_count_all(struct upstream *upstream, struct prongd_service *service)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    prong_address_format(&upstream->address, text, sizeof(text));
    upstream->limit = prongd_limit_new(service, text);
    return upstream->limit != NULL ? 0 : -ENOMEM;
}

/* 0, or that it is not counted. */
static int count(struct upstream *upstream, uint64_t most)
{
    int error = upstream->limit != NULL ? prongd_limit_take(upstream->limit, most) : -ENOTSUP;

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
    return upstream->limit != NULL ? prongd_limit_sum(upstream->limit) : upstream->places;
}

struct prongd_limit *upstream_limit(const struct upstream *upstream)
{
    return upstream->counted > 0 ? upstream->limit : NULL;
}

/* --- Health --- */

uint32_t upstream_number(const struct upstream *upstream)
{
    return upstream->number;
}

const struct prong_address *upstream_address(const struct upstream *upstream)
{
    return &upstream->address;
}

/* Nothing new to the operator: the attempt of one client, and addresses that come and go. */
static bool is_quiet(enum upstream_state state)
{
    return state == UPSTREAM_TRIAL || state == UPSTREAM_RETIRED;
}

static void tell(const struct upstream *upstream, enum upstream_state state)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];
    bool is_up = state == UPSTREAM_UP;

    if (is_quiet(state) || upstream->state == UPSTREAM_RETIRED ||
        (upstream->state == UPSTREAM_TRIAL && !is_up))
        return;
    if (!is_up)
        prongd_count(upstream->owner->service, PROXY_COUNT_DOWN, 1);
    prongd_service_log(upstream->owner->service, is_up ? PRONGD_LOG_NOTICE : PRONGD_LOG_WARNING,
                       "upstream is %s upstream=%s", is_up ? "up" : "down",
                       prong_address_format(&upstream->address, text, sizeof(text)));
}

void upstream_enter(struct upstream *upstream, enum upstream_state state)
{
    assert((allowed[upstream->state] & TO(state)) != 0);
    tell(upstream, state);
    upstream->state = state;
}

bool upstream_is_usable(const struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->state == UPSTREAM_DOWN)
        return now_ms >= upstream->down_until_ms;
    return upstream->state == UPSTREAM_UP;
}

bool upstream_is_possible(const struct upstream *upstream)
{
    return upstream->state == UPSTREAM_UP || upstream->state == UPSTREAM_DOWN ||
           upstream->state == UPSTREAM_TRIAL;
}

void upstream_use(struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->state == UPSTREAM_DOWN && now_ms >= upstream->down_until_ms)
        upstream_enter(upstream, UPSTREAM_TRIAL);
}

void upstream_note_success(struct upstream *upstream)
{
    upstream->fails = 0;
    if (upstream->state == UPSTREAM_DOWN || upstream->state == UPSTREAM_TRIAL)
        upstream_enter(upstream, UPSTREAM_UP);
}

static void go_down(struct upstream *upstream, const struct proxy_config *config, uint64_t now_ms)
{
    upstream->down_until_ms = now_ms + config->fail_timeout_ms;
    if (upstream->state == UPSTREAM_UP || upstream->state == UPSTREAM_TRIAL)
        upstream_enter(upstream, UPSTREAM_DOWN);
}

void upstream_note_failure(struct upstream *upstream, const struct proxy_config *config,
                           uint64_t now_ms)
{
    if (config->max_fails == 0 || !upstream_is_possible(upstream))
        return;
    if (upstream->fails == 0 || now_ms - upstream->first_fail_ms > config->fail_timeout_ms) {
        upstream->first_fail_ms = now_ms;
        upstream->fails = 0;
    }
    upstream->fails++;
    if (upstream->fails >= config->max_fails || upstream->state == UPSTREAM_TRIAL)
        go_down(upstream, config, now_ms);
}

void upstream_note_check(struct upstream *upstream, bool succeeded)
{
    if (succeeded && upstream->state == UPSTREAM_FAILED)
        upstream_enter(upstream, UPSTREAM_UP);
    else if (!succeeded && upstream_is_possible(upstream))
        upstream_enter(upstream, UPSTREAM_FAILED);
    upstreams_changed(upstream->owner);
}

void upstream_note_nothing(struct upstream *upstream)
{
    if (upstream->state == UPSTREAM_TRIAL)
        upstream_enter(upstream, UPSTREAM_DOWN);
}
