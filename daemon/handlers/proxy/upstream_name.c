/* SPDX-License-Identifier: MIT
 *
 * A lookup, and a timer for the next one.
 */
#include "upstream_name.h"

#include <prong/address.h>
#include <prong/error.h>
#include <prong/lookup.h>
#include <prong/timer.h>
#include <prongd/service.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proxy_options.h"
#include "upstream.h"
#include "upstream_item.h"
#include "upstreams_internal.h"

/* When a name server says nothing or something unreasonable, and after a failure. */
#define UNKNOWN_MS 60000
#define LEAST_MS   1000
#define MOST_MS    3600000
#define FAILURE_MS 5000

struct upstream_name {
    struct upstream_name *next;
    struct upstreams *upstreams;
    const struct upstream_item *item;
    struct prong_lookup *lookup; /* NULL: none is under way */
    struct prong_timer *timer;
    bool is_known;  /* it had addresses once */
    bool is_failed; /* the last lookup has, which was told */
};

static bool is_among(const struct prong_address *address, const struct prong_address *all,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (prong_address_equal(address, &all[i]))
            return true;
    }
    return false;
}

/* --- Answers --- */

static void retire_others(struct upstream_name *name, const struct prong_address *addresses,
                          size_t count)
{
    struct upstream *upstream = name->upstreams->first;

    while (upstream != NULL) {
        struct upstream *next = upstream->next;

        if (upstream->item == name->item && upstream->state != UPSTREAM_RETIRED &&
            !is_among(&upstream->address, addresses, count))
            upstreams_retire(name->upstreams, upstream);
        upstream = next;
    }
}

static void use(struct upstream_name *name, const struct prong_address *addresses, size_t count)
{
    if (name->is_failed)
        prongd_service_log(name->upstreams->service, PRONGD_LOG_NOTICE,
                           "upstream is resolved again name=%s", name->item->host);
    name->is_failed = false;
    name->is_known = true;
    for (size_t i = 0; i < count; i++)
        (void)upstreams_add(name->upstreams, name->item, &addresses[i]); /* or the next time */
    retire_others(name, addresses, count);
}

static void note_failure(struct upstream_name *name, int error)
{
    if (name->is_failed)
        return;
    name->is_failed = true;
    prongd_service_log(name->upstreams->service, PRONGD_LOG_WARNING,
                       "upstream is not resolved: %s name=%s addresses=%s", prong_error_text(error),
                       name->item->host, name->is_known ? "kept" : "none");
}

static uint64_t wait_ms(const struct upstream_name *name)
{
    uint64_t ttl_ms = (uint64_t)prong_lookup_ttl_s(name->lookup) * 1000;
    uint64_t interval_ms = name->upstreams->config->resolve_interval_ms;

    if (interval_ms > 0)
        return interval_ms;
    if (name->is_failed)
        return FAILURE_MS;
    if (ttl_ms == 0)
        return UNKNOWN_MS;
    if (ttl_ms < LEAST_MS)
        return LEAST_MS;
    return ttl_ms < MOST_MS ? ttl_ms : MOST_MS;
}

static void on_lookup(void *user, int error, const struct prong_address *addresses, size_t count)
{
    struct upstream_name *name = user;

    if (error < 0)
        note_failure(name, error);
    else
        use(name, addresses, count);
    prong_timer_start(name->timer, wait_ms(name), 0);
    name->lookup = NULL;
    upstreams_changed(name->upstreams);
}

/* --- Questions --- */

static void ask(struct upstream_name *name)
{
    name->lookup = prong_lookup_start(prongd_loop(name->upstreams->service), name->item->host,
                                      name->item->address.port, AF_UNSPEC, on_lookup, name);
    if (name->lookup == NULL)
        prong_timer_start(name->timer, FAILURE_MS, 0);
}

static void on_timer(struct prong_timer *timer, void *user)
{
    (void)timer;
    ask(user);
}

struct upstream_name *upstream_name_new(struct upstreams *upstreams,
                                        const struct upstream_item *item)
{
    struct upstream_name *name = calloc(1, sizeof(*name));

    if (name == NULL)
        return NULL;
    name->upstreams = upstreams;
    name->item = item;
    name->timer = prong_timer_new(prongd_loop(upstreams->service), on_timer, name);
    if (name->timer == NULL) {
        free(name);
        return NULL;
    }
    name->next = upstreams->names;
    upstreams->names = name;
    ask(name);
    return name;
}

bool upstream_name_waits(const struct upstream_name *names)
{
    for (const struct upstream_name *name = names; name != NULL; name = name->next) {
        if (!name->is_known && !name->is_failed)
            return true;
    }
    return false;
}

void upstream_name_free_all(struct upstream_name *names)
{
    while (names != NULL) {
        struct upstream_name *next = names->next;

        prong_lookup_cancel(names->lookup);
        prong_timer_free(names->timer);
        free(names);
        names = next;
    }
}
