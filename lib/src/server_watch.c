/* SPDX-License-Identifier: MIT
 *
 * Watching the listening handle: only while the server wants to accept.
 *
 * Whether a server keeps its loop alive has nothing to do with whether it watches right now: a
 * paused one listens, too.  So the watchers never count, and a listening server holds a reference
 * of its own (R114).
 */
#include <prong/server.h>

#include "server_internal.h"

#include <errno.h>

/* How long a server without descriptors or memory leaves the rest to wait in the kernel. */
#define BACK_OFF_S 0.1

bool server_wants_to_accept(const struct prong_server *server)
{
    return server->state == SERVER_LISTENING && !server->paused && !server->freed &&
           !ev_is_active(&server->back_off);
}

static void update_reference(struct prong_server *server)
{
    bool wanted = server->state == SERVER_LISTENING && !server->unref;

    if (wanted == server->referenced)
        return;
    server->referenced = wanted;
    if (wanted)
        ev_ref(server->loop->ev);
    else
        ev_unref(server->loop->ev);
}

static void start_watcher(struct prong_server *server)
{
    ev_io_start(server->loop->ev, &server->io);
    ev_unref(server->loop->ev);
}

static void stop_watcher(struct prong_server *server)
{
    struct ev_loop *ev = server->loop->ev;

    if (!ev_is_active(&server->io))
        return;
    ev_ref(ev);
    ev_io_stop(ev, &server->io);
    /* ev_io_stop() takes back what was fed, too. */
    if (server->deferred)
        ev_feed_event(ev, &server->io, EV_CUSTOM);
}

/* --- In the kernel's set with EPOLLEXCLUSIVE --- */

/* The entry in libev's set is not ours any more: back to libev's own way, which is always right. */
static void give_up_exclusive(struct prong_server *server)
{
    server->exclusive.is_on = false;
    if (!ev_is_active(&server->io))
        return;
    stop_watcher(server);
    ev_io_set(&server->io, server->io.fd, EV_READ);
}

static void update_exclusive(struct prong_server *server, bool wanted)
{
    int error = 0;

    if (wanted == server->exclusive.is_watched)
        return;
    error = wanted ? exclusive_watch(&server->exclusive) : exclusive_unwatch(&server->exclusive);
    if (error < 0)
        give_up_exclusive(server);
}

int prong_server_set_exclusive(struct prong_server *server)
{
    if (server->state != SERVER_LISTENING)
        return -ENOTCONN;
    if (server->exclusive.is_on)
        return 0;
    if (!ev_is_active(&server->io))
        return -EAGAIN;
    return exclusive_start(&server->exclusive, server->loop, &server->io);
}

bool prong_server_is_exclusive(struct prong_server *server)
{
    if (server->exclusive.is_on && !exclusive_is_intact(&server->exclusive)) {
        give_up_exclusive(server);
        server_update_watcher(server);
    }
    return server->exclusive.is_on;
}

/* --- All in all --- */

void server_update_watcher(struct prong_server *server)
{
    bool wanted = server_wants_to_accept(server);

    update_reference(server);
    if (server->exclusive.is_on)
        update_exclusive(server, wanted);
    if (server->exclusive.is_on || wanted == (bool)ev_is_active(&server->io))
        return;
    if (wanted)
        start_watcher(server);
    else
        stop_watcher(server);
}

static void stop_back_off(struct prong_server *server)
{
    if (!ev_is_active(&server->back_off))
        return;
    ev_ref(server->loop->ev);
    ev_timer_stop(server->loop->ev, &server->back_off);
}

void server_back_off(struct prong_server *server)
{
    if (server->state != SERVER_LISTENING)
        return;
    stop_back_off(server);
    ev_now_update(server->loop->ev); /* a long callback must not shorten the rest */
    ev_timer_set(&server->back_off, BACK_OFF_S, 0.);
    ev_timer_start(server->loop->ev, &server->back_off);
    ev_unref(server->loop->ev);
    server_update_watcher(server);
}

static void on_back_off_over(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct prong_server *server = timer->data;

    (void)revents;
    ev_ref(ev);
    loop_reserve_fd(server->loop);
    server_update_watcher(server);
}

void server_stop_watching(struct prong_server *server)
{
    stop_back_off(server);
    stop_watcher(server);
    server->exclusive = (struct exclusive){0};
    update_reference(server);
}

void server_init_watchers(struct prong_server *server)
{
    ev_init(&server->io, server_on_event);
    server->io.fd = -1;
    server->io.data = server;
    /* libev calls the highest priority first: a long callback in the same turn must not delay an
     * accept whose wake-up is already spent. */
    ev_set_priority(&server->io, EV_MAXPRI);
    ev_init(&server->back_off, on_back_off_over);
    server->back_off.data = server;
}

void prong_server_pause(struct prong_server *server)
{
    server->paused = true;
    server_update_watcher(server);
}

void prong_server_resume(struct prong_server *server)
{
    server->paused = false;
    server_update_watcher(server);
}

void prong_server_ref(struct prong_server *server)
{
    server->unref = false;
    update_reference(server);
}

void prong_server_unref(struct prong_server *server)
{
    server->unref = true;
    update_reference(server);
}
