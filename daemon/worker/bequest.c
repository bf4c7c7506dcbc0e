/* SPDX-License-Identifier: MIT
 *
 * Descriptors that were taken are -1.
 */
#include "bequest.h"

#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "inheritance.h"
#include "scoreboard.h"

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void close_of_servers(struct inheritance *inheritance)
{
    for (size_t i = 0; i < inheritance->config->server_count; i++) {
        close_open(inheritance->access_fds[i]);
        close_open(inheritance->keeper_fds[i]);
        close_open(inheritance->commons[i].ring_fd);
        close_open(inheritance->commons[i].wake_fd);
        close_open(inheritance->commons[i].region_fd);
    }
    free(inheritance->access_fds);
    free(inheritance->keeper_fds);
    free(inheritance->commons);
}

void bequest_clear(struct inheritance *inheritance)
{
    for (size_t i = 0; i < inheritance->listener_count; i++)
        close_open(inheritance->listeners[i].fd);
    free(inheritance->listeners);
    close_of_servers(inheritance);
    for (unsigned i = 0; i < inheritance->slots; i++)
        close(inheritance->nudge_fds[i]);
    free(inheritance->nudge_fds);
    close_open(inheritance->channel_fd);
    config_free(inheritance->config);
    scoreboard_free(inheritance->scoreboard);
}
