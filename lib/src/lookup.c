/* SPDX-License-Identifier: MIT
 *
 * Questions and their answers.
 */
#include "lookup.h"

#include "loop_internal.h"
#include "resolver.h"

#include <prong/error.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

static void lookup_free(struct prong_lookup *lookup)
{
    ev_clear_pending(lookup->loop->ev, &lookup->next);
    lookup->loop->objects--;
    free(lookup->addresses);
    free(lookup->host);
    free(lookup);
}

/* Nobody waits for it any more.  May free lookups that were cancelled. */
static void leave_resolver(struct prong_lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;

    lookup->on_done = NULL;
    lookup->resolver = NULL;
    if (resolver != NULL)
        resolver_leave(resolver);
}

static void tell(struct prong_lookup *lookup)
{
    on_lookup_done *on_done = lookup->on_done;

    leave_resolver(lookup);
    on_done(lookup->user, lookup->error, lookup->addresses, lookup->count);
    lookup_free(lookup);
}

static void on_next(struct ev_loop *ev, struct ev_timer *next, int revents)
{
    struct prong_lookup *lookup = next->data;
    prong_resolve *resolve = lookup->resolve;

    (void)ev;
    (void)revents;
    lookup->resolve = NULL;
    if (resolve != NULL)
        resolve(lookup, lookup->resolve_user); /* the lookup may be gone then */
    else
        tell(lookup);
}

struct prong_lookup *lookup_new(struct prong_loop *loop, const char *host, uint16_t port,
                                int family, on_lookup_done *on_done, void *user)
{
    struct prong_lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->host = strdup(host);
    if (lookup->host == NULL) {
        free(lookup);
        return NULL;
    }
    lookup->loop = loop;
    lookup->on_done = on_done;
    lookup->user = user;
    lookup->port = port;
    lookup->family = family;
    ev_init(&lookup->next, on_next);
    lookup->next.data = lookup;
    loop->objects++;
    return lookup;
}

void lookup_ask(struct prong_lookup *lookup, prong_resolve *resolve, void *resolve_user)
{
    if (resolve != NULL)
        resolve(lookup, resolve_user);
    else
        resolver_ask(lookup);
}

void lookup_ask_later(struct prong_lookup *lookup, prong_resolve *resolve, void *resolve_user)
{
    if (resolve == NULL) {
        resolver_ask(lookup); /* answers from the loop itself */
        return;
    }
    lookup->resolve = resolve;
    lookup->resolve_user = resolve_user;
    ev_feed_event(lookup->loop->ev, &lookup->next, EV_CUSTOM);
}

void lookup_cancel(struct prong_lookup *lookup)
{
    if (lookup == NULL)
        return;
    if (lookup->answered || lookup->resolve != NULL) {
        leave_resolver(lookup);
        lookup_free(lookup);
    } else {
        leave_resolver(lookup); /* prong_lookup_answer() frees it, perhaps from in here */
    }
}

/* --- The answer --- */

static bool is_wanted(const struct prong_lookup *lookup, const struct prong_address *address)
{
    if (lookup->family != AF_UNSPEC)
        return address->family == lookup->family;
    return address->family == AF_INET || address->family == AF_INET6;
}

static int take_addresses(struct prong_lookup *lookup, const struct prong_address *addresses,
                          size_t count)
{
    lookup->addresses = calloc(count + 1, sizeof(*addresses));
    if (lookup->addresses == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(lookup, &addresses[i]))
            continue;
        lookup->addresses[lookup->count] = addresses[i];
        lookup->addresses[lookup->count++].port = lookup->port;
    }
    return lookup->count > 0 ? 0 : PRONG_ENOTFOUND;
}

void prong_lookup_answer(struct prong_lookup *lookup, int error,
                         const struct prong_address *addresses, size_t count)
{
    if (lookup->answered)
        return;
    lookup->answered = true;
    if (lookup->on_done == NULL) {
        lookup_free(lookup);
        return;
    }
    lookup->error = error < 0 && count == 0 ? error : take_addresses(lookup, addresses, count);
    ev_feed_event(lookup->loop->ev, &lookup->next, EV_CUSTOM);
}

const char *prong_lookup_host(const struct prong_lookup *lookup)
{
    return lookup->host;
}

int prong_lookup_family(const struct prong_lookup *lookup)
{
    return lookup->family;
}

/* --- For programs --- */

struct prong_lookup *prong_lookup_start(struct prong_loop *loop, const char *host, uint16_t port,
                                        int family, prong_on_lookup *on_lookup, void *user)
{
    struct prong_lookup *lookup = lookup_new(loop, host, port, family, on_lookup, user);

    if (lookup != NULL)
        lookup_ask(lookup, NULL, NULL);
    return lookup;
}

uint32_t prong_lookup_ttl_s(const struct prong_lookup *lookup)
{
    return lookup->ttl_s;
}

void prong_lookup_cancel(struct prong_lookup *lookup)
{
    lookup_cancel(lookup);
}

/* --- Which families make sense --- */

int lookup_configured_family(void)
{
    struct ifaddrs *interfaces;
    bool has4 = false, has6 = false;

    if (getifaddrs(&interfaces) < 0)
        return AF_UNSPEC;
    for (const struct ifaddrs *one = interfaces; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_flags & IFF_LOOPBACK)
            continue;
        has4 = has4 || one->ifa_addr->sa_family == AF_INET;
        has6 = has6 || one->ifa_addr->sa_family == AF_INET6;
    }
    freeifaddrs(interfaces);
    if (has4 == has6)
        return AF_UNSPEC;
    return has4 ? AF_INET : AF_INET6;
}
