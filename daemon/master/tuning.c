/* SPDX-License-Identifier: MIT
 *
 * listen(2) again, and TCP_CONGESTION.
 */
#include "tuning.h"

#include <errno.h>
#include <prong/congestion.h>
#include <prong/error.h>
#include <sys/socket.h>

#include "config.h"
#include "generation.h"
#include "listeners.h"
#include "log.h"

static void set_congestion_control(int fd, const struct config_server *server)
{
    int error = prong_congestion_set(fd, server->congestion_control);

    if (error < 0 && error != -EOPNOTSUPP && server->congestion_control != NULL)
        log_warning("the congestion control is refused server=%s congestion_control=%s "
                    "error=\"%s\"",
                    server->name, server->congestion_control, prong_error_text(error));
}

/* One of a socket unit is as the unit says, where nothing else is written. */
static void tune(const struct listener *listener, const struct config_server *server)
{
    if (listener->given == NULL)
        (void)listen(listener->fd, (int)server->backlog);
    if (listener->given == NULL || server->congestion_control != NULL)
        set_congestion_control(listener->fd, server);
}

void tuning_apply(const struct generation *generation)
{
    for (size_t i = 0; i < generation->listener_count; i++) {
        const struct generation_listener *entry = &generation->listeners[i];

        tune(entry->listener, generation->config->servers[entry->server]);
    }
}
