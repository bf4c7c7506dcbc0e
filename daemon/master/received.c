/* SPDX-License-Identifier: MIT
 *
 * Sorting received handles.
 */
#include "received.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "listeners.h"
#include "log.h"
#include "store.h"
#include "systemd.h"

/* One address of a configuration. */
struct use {
    const struct config_server *server;
    size_t index;
};

static bool is_use(const struct listeners *listeners, const struct systemd_fd *received,
                   const struct use *use)
{
    return listeners_find(listeners, use->server, use->index, store_nth(received->name)) == NULL &&
           store_fits(received->fd, received->name, use->server, use->index,
                      listeners_ordinal(use->server, use->index));
}

/* The first address that the handle is for and that has none yet. */
static bool find_use(const struct listeners *listeners, const struct systemd_fd *received,
                     const struct config *config, struct use *use)
{
    for (size_t i = 0; i < config->server_count; i++) {
        use->server = config->servers[i];
        for (use->index = 0; use->index < use->server->address_count; use->index++) {
            if (is_use(listeners, received, use))
                return true;
        }
    }
    return false;
}

static void adopt_stored(struct listeners *listeners, const struct systemd_fd *received,
                         const struct config *config)
{
    struct listener_origin origin = {
        .nth = store_nth(received->name), .state = LISTENER_SERVING, .stored = received->name};
    struct use use;

    if (!find_use(listeners, received, config, &use)) {
        store_discard(received->fd, received->name);
        return;
    }
    origin.wanted = &use.server->addresses[use.index].address;
    origin.server = use.server->name;
    origin.ordinal = listeners_ordinal(use.server, use.index);
    if (listeners_adopt(listeners, received->fd, &origin) < 0)
        log_error("a stored handle is lost name=%s", received->name);
}

static void adopt_given(struct listeners *listeners, const struct systemd_fd *received)
{
    struct prong_address address;
    int error = store_look_up(received->fd, &address);

    if (error == 0)
        error = listeners_adopt_given(listeners, received->fd, received->name);
    else
        close(received->fd);
    if (error < 0)
        log_code(LOG_LEVEL_WARNING, error,
                 "systemd gave what is no listening stream socket name=%s", received->name);
}

void received_adopt(struct listeners *listeners, const struct config *config)
{
    struct systemd_fd *received;
    size_t count = systemd_receive(&received);

    for (size_t i = 0; i < count; i++) {
        if (store_has_name(received[i].name))
            adopt_stored(listeners, &received[i], config);
        else
            adopt_given(listeners, &received[i]);
        free(received[i].name);
    }
    free(received);
}
