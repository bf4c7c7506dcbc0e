/* SPDX-License-Identifier: MIT
 *
 * A connection that is closed as soon as it is there.
 */
#include "upstream_check.h"

#include <errno.h>
#include <prong/address.h>
#include <prong/connect.h>
#include <prong/error.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <prongd/service.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "health.h"
#include "proxy_options.h"
#include "upstream_figures.h"
#include "upstreams_internal.h"

/* The lease: who has it in the lowest bits, and above them when the next check is due. */
#define HOLDER_BITS 24
#define HOLDER_MASK ((UINT64_C(1) << HOLDER_BITS) - 1)

/* The streak: whether the last checks succeeded, and above that how many of them in a row. */
#define STREAK_MOST UINT64_C(1000)

struct upstream_check {
    struct health *health;
    const struct upstreams *upstreams;
    struct prong_loop *loop;
    struct prong_timer *timer;
    struct prong_socket *socket; /* NULL: none is under way */
    uint64_t lease;              /* what this worker has made it; 0: never */
};

/* --- The lease --- */

static uint64_t look(const struct upstream_check *check)
{
    return prongd_item_get(check->health->item, FIGURE_LEASE);
}

static uint64_t due_of(uint64_t lease)
{
    return lease >> HOLDER_BITS;
}

static bool has_lease(const struct upstream_check *check)
{
    return check->lease != 0 && look(check) == check->lease;
}

/* False: another worker was faster. */
static bool take_lease(struct upstream_check *check, uint64_t seen, uint64_t due_ms)
{
    uint64_t lease = due_ms << HOLDER_BITS | ((uint64_t)getpid() & HOLDER_MASK);

    if (!prongd_item_replace(check->health->item, FIGURE_LEASE, seen, lease))
        return false;
    check->lease = lease;
    return true;
}

/* Others leave it half an interval. */
static uint64_t grace_ms(const struct upstream_check *check)
{
    return has_lease(check) ? 0 : check->health->config->check_interval_ms / 2 + 1;
}

static void wait_for_turn(struct upstream_check *check)
{
    uint64_t now_ms = upstreams_now_ms();
    uint64_t turn_ms = due_of(look(check)) + grace_ms(check);

    prong_timer_start(check->timer, turn_ms > now_ms ? turn_ms - now_ms : 1, 0);
}

/* --- What a check says --- */

static uint64_t count_streak(const struct upstream_check *check, bool succeeded)
{
    uint64_t before = prongd_item_get(check->health->item, FIGURE_STREAK);
    uint64_t count = before >> 1;

    if ((before & 1) != succeeded)
        count = 0;
    count += count < STREAK_MOST;
    prongd_item_set(check->health->item, FIGURE_STREAK, count << 1 | succeeded);
    return count;
}

/* What it said is believed for three intervals. */
static void judge(const struct upstream_check *check, int error)
{
    const struct proxy_config *config = check->health->config;
    uint64_t now_ms = upstreams_now_ms();
    uint64_t enough = error == 0 ? config->check_rise : config->check_fall;

    if (count_streak(check, error == 0) < enough)
        return;
    health_note_checks(check->health, error, now_ms,
                       now_ms + 3 * config->check_interval_ms + config->try_timeout_ms);
    upstreams_changed(check->upstreams);
}

/* One whose turn another worker has had meanwhile is too old. */
static void note(const struct upstream_check *check, int error)
{
    (void)prongd_item_add(check->health->item, FIGURE_CHECKS, 1);
    if (error < 0)
        (void)prongd_item_add(check->health->item, FIGURE_CHECK_FAILURES, 1);
    if (has_lease(check) && !health_is_our_own(error))
        judge(check, error);
}

/* --- The connection --- */

/* Ends it without a word. */
static void drop(struct upstream_check *check)
{
    static const struct prong_socket_events nobody = {0};

    if (check->socket == NULL)
        return;
    prong_socket_set_events(check->socket, &nobody, NULL);
    prong_socket_destroy(check->socket, 0);
    check->socket = NULL;
}

static void on_connect(struct prong_socket *socket)
{
    struct upstream_check *check = prong_socket_user(socket);

    drop(check);
    note(check, 0);
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    struct upstream_check *check = prong_socket_user(socket);
    int code = error->code < 0 ? error->code : -ECONNABORTED;

    drop(check);
    note(check, code);
}

static const struct prong_socket_events events = {
    .on_connect = on_connect,
    .on_error = on_error,
};

static void begin(struct upstream_check *check)
{
    const struct proxy_config *config = check->health->config;
    const struct prong_address *address = check->health->address;
    struct prong_socket_options options;
    struct prong_address local;

    prong_socket_options_init(&options);
    options.connect_timeout_ms = (uint32_t)config->try_timeout_ms;
    if (config->connect_from != NULL &&
        prong_address_from_ip(&local, config->connect_from, 0) == 0 &&
        local.family == address->family)
        options.connect.local = local;
    check->socket = prong_socket_new(check->loop, &options, &events, check);
    if (check->socket != NULL && prong_socket_connect_address(check->socket, address) < 0)
        drop(check);
}

/* --- Time --- */

/* One that is still under way says what the next one would. */
static void on_timer(struct prong_timer *timer, void *user)
{
    struct upstream_check *check = user;
    uint64_t now_ms = upstreams_now_ms(), seen = look(check);

    (void)timer;
    if (now_ms >= due_of(seen) + grace_ms(check) &&
        take_lease(check, seen, now_ms + check->health->config->check_interval_ms) &&
        check->socket == NULL)
        begin(check);
    wait_for_turn(check);
}

/* Takes the lease as it is, or as this configuration would have made it. */
static void start(struct upstream_check *check)
{
    uint64_t latest_ms = upstreams_now_ms() + check->health->config->check_interval_ms;
    uint64_t seen = look(check);
    uint64_t due_ms = due_of(seen);

    (void)take_lease(check, seen, due_ms < latest_ms ? due_ms : latest_ms);
    wait_for_turn(check);
}

struct upstream_check *upstream_check_new(struct health *health, struct prong_loop *loop,
                                          const struct upstreams *upstreams)
{
    struct upstream_check *check = calloc(1, sizeof(*check));

    if (check == NULL)
        return NULL;
    check->health = health;
    check->upstreams = upstreams;
    check->loop = loop;
    check->timer = prong_timer_new(loop, on_timer, check);
    if (check->timer == NULL) {
        free(check);
        return NULL;
    }
    start(check);
    return check;
}

void upstream_check_free(struct upstream_check *check)
{
    if (check == NULL)
        return;
    drop(check);
    prong_timer_free(check->timer);
    free(check);
}
