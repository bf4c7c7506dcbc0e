/* SPDX-License-Identifier: MIT
 *
 * A connection that is closed as soon as it is there.
 */
#include "upstream_check.h"

#include <prong/connect.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy_options.h"
#include "upstream.h"

struct upstream_check {
    struct upstream *upstream;
    const struct proxy_config *config;
    struct prong_loop *loop;
    struct prong_timer *timer;
    struct prong_socket *socket; /* NULL: none is under way */
    bool last;                   /* what the last checks said */
    uint64_t streak;             /* and how many of them in a row */
};

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

static void note(struct upstream_check *check, bool succeeded)
{
    if (check->streak == 0 || check->last != succeeded)
        check->streak = 0;
    check->last = succeeded;
    check->streak++;
    if (check->streak == (succeeded ? check->config->check_rise : check->config->check_fall))
        upstream_note_check(check->upstream, succeeded);
}

static void on_connect(struct prong_socket *socket)
{
    struct upstream_check *check = prong_socket_user(socket);

    drop(check);
    note(check, true);
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    struct upstream_check *check = prong_socket_user(socket);

    (void)error;
    drop(check);
    note(check, false);
}

static const struct prong_socket_events events = {
    .on_connect = on_connect,
    .on_error = on_error,
};

static void begin(struct upstream_check *check)
{
    struct prong_socket_options options;
    struct prong_address local;

    prong_socket_options_init(&options);
    options.connect_timeout_ms = (uint32_t)check->config->try_timeout_ms;
    if (check->config->connect_from != NULL &&
        prong_address_from_ip(&local, check->config->connect_from, 0) == 0 &&
        local.family == check->upstream->address.family)
        options.connect.local = local;
    check->socket = prong_socket_new(check->loop, &options, &events, check);
    if (check->socket != NULL &&
        prong_socket_connect_address(check->socket, &check->upstream->address) < 0)
        drop(check);
}

/* One that is still under way says what the next one would. */
static void on_timer(struct prong_timer *timer, void *user)
{
    struct upstream_check *check = user;

    (void)timer;
    if (check->socket == NULL)
        begin(check);
}

struct upstream_check *upstream_check_new(struct upstream *upstream,
                                          const struct proxy_config *config,
                                          struct prong_loop *loop)
{
    struct upstream_check *check = calloc(1, sizeof(*check));

    if (check == NULL)
        return NULL;
    check->upstream = upstream;
    check->config = config;
    check->loop = loop;
    check->timer = prong_timer_new(loop, on_timer, check);
    if (check->timer == NULL) {
        free(check);
        return NULL;
    }
    prong_timer_start(check->timer, 1, config->check_interval_ms);
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
