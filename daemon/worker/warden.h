/* SPDX-License-Identifier: MIT
 *
 * The warden: looks after accept queues whose worker does not come.
 *
 * With `accept = reuseport` the kernel has put a client into the queue of one worker before anybody
 * was asked.  Every worker has all handles, watches its own, and looks every 50 ms who comes: a
 * worker that is ready and whose loop has turned since the last look.  The queue of one that does
 * not (it died, rests, is stopped, is busy) is watched by the nearest one before it that does; so
 * is a queue that is nobody's, for it is left over from a configuration with more workers.
 */
#ifndef PRONGD_WARDEN_H
#define PRONGD_WARDEN_H

#include <stdbool.h>

struct ev_loop;
struct prong_server;
struct scoreboard_server;
struct scoreboard_worker;
struct warden;

/* Where it stands.  Everything is borrowed for its life. */
struct warden_place {
    struct ev_loop *ev;
    struct scoreboard_server *cell;          /* its own, of this server */
    const struct scoreboard_worker *workers; /* one for each slot */
    unsigned slots;
    unsigned slot; /* its own */
};

/* Looks after nothing yet.  NULL with errno. */
struct warden *warden_new(const struct warden_place *place);

/* Looks after the paused handle of slot `owner`, or of nobody (INHERITED_BY_NOBODY), which is
 * number `number` in every worker of the generation.  Borrows it until warden_forget() or
 * warden_free(). 0 or -ENOMEM. */
int warden_adopt(struct warden *warden, struct prong_server *handle, unsigned owner,
                 unsigned number);

/* All are adopted: looks now, and every 50 ms. */
void warden_start(struct warden *warden);

/* Watches nothing while it is held. */
void warden_hold(struct warden *warden, bool held);

/* Harmless for one that it does not have. */
void warden_forget(struct warden *warden, const struct prong_server *handle);

/* Accepts NULL.  Before the handles are freed. */
void warden_free(struct warden *warden);

#endif
