/* SPDX-License-Identifier: MIT
 *
 * A list: there are few servers that share anything.
 */
#include "commons.h"

#include <errno.h>
#include <fcntl.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config.h"
#include "inheritance.h"
#include "region.h"
#include "ring.h"

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void free_common(struct common *common)
{
    close_open(common->ring_fd);
    close_open(common->wake_fd);
    close_open(common->region_fd);
    free(common->server);
    free(common->handler);
    free(common);
}

/* What another handler keeps there means something else. */
static struct common *find(const struct commons *commons, const struct config_server *server)
{
    struct common *common = commons->first;

    while (common != NULL && (strcmp(common->server, server->name) != 0 ||
                              strcmp(common->handler, server->handler->name) != 0))
        common = common->next;
    return common;
}

/* With no reference.  NULL when memory is short. */
static struct common *add(struct commons *commons, const char *server, const char *handler)
{
    struct common *common = calloc(1, sizeof(*common));

    if (common == NULL)
        return NULL;
    *common = (struct common){.server = strdup(server),
                              .handler = strdup(handler),
                              .ring_fd = -1,
                              .wake_fd = -1,
                              .region_fd = -1};
    if (common->server == NULL || common->handler == NULL) {
        free_common(common);
        return NULL;
    }
    common->next = commons->first;
    commons->first = common;
    return common;
}

static void drop(struct commons *commons, struct common *common)
{
    struct common **at = &commons->first;

    while (*at != common)
        at = &(*at)->next;
    *at = common->next;
    free_common(common);
}

/* --- What a server needs --- */

static bool wants_ring(const struct config_server *server)
{
    return server->handler->on_broadcast != NULL || server->handler->on_message != NULL;
}

/* 0: no region. */
static uint64_t region_wanted(const struct config_server *server)
{
    if (server->handler->shared_size == 0)
        return 0;
    return server->shared_memory_bytes > 0 ? server->shared_memory_bytes
                                           : server->handler->shared_size;
}

static int make_ring(struct common *common, const struct config_server *server)
{
    int ring = ring_create(server->broadcast_buffer_bytes);
    int wake = ring >= 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;

    if (ring < 0)
        return ring;
    if (wake < 0) {
        close(ring);
        return -EMFILE;
    }
    common->ring_fd = ring;
    common->wake_fd = wake;
    return 0;
}

static int make_missing(struct common *common, const struct config_server *server)
{
    uint64_t wanted = region_wanted(server);
    int error = 0;

    if (wants_ring(server) && common->ring_fd < 0)
        error = make_ring(common, server);
    if (error == 0 && wanted > 0 && common->region_fd < 0) {
        common->region_fd = region_create(wanted);
        error = common->region_fd < 0 ? common->region_fd : 0;
    }
    return error;
}

static int take(struct commons *commons, const struct config_server *server, struct common **place)
{
    struct common *found = find(commons, server);
    int error;

    if (!wants_ring(server) && region_wanted(server) == 0)
        return 0;
    if (found == NULL)
        found = add(commons, server->name, server->handler->name);
    if (found == NULL)
        return -ENOMEM;
    error = make_missing(found, server);
    if (error == 0) {
        found->references++;
        *place = found;
    } else if (found->references == 0) {
        drop(commons, found);
    }
    return error;
}

struct common **commons_none(const struct config *config)
{
    return calloc(config->server_count + 1, sizeof(struct common *));
}

int commons_take_all(struct commons *commons, const struct config *config, struct common **places,
                     char *problem, size_t size)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < config->server_count; i++) {
        error = take(commons, config->servers[i], &places[i]);
        if (error < 0)
            snprintf(problem, size, "%s: [server %s] no memory for its workers to share: %s",
                     config->file, config->servers[i]->name, strerror(-error));
    }
    return error;
}

void commons_take_all_known(struct commons *commons, const struct config *config,
                            struct common **places)
{
    for (size_t i = 0; i < config->server_count; i++) {
        places[i] = find(commons, config->servers[i]);
        if (places[i] != NULL)
            places[i]->references++;
    }
}

void commons_release_all(struct commons *commons, const struct config *config,
                         struct common **places)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (places[i] != NULL && --places[i]->references == 0)
            drop(commons, places[i]);
        places[i] = NULL;
    }
}

/* --- Handing over --- */

static int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

struct inherited_common *commons_bequeath(struct common **places, const struct config *config)
{
    struct inherited_common *inherited = calloc(config->server_count + 1, sizeof(*inherited));

    for (size_t i = 0; inherited != NULL && i < config->server_count; i++) {
        inherited[i] = (struct inherited_common){-1, -1, -1};
        if (places[i] == NULL)
            continue;
        inherited[i].ring_fd = take_fd(&places[i]->ring_fd);
        inherited[i].wake_fd = take_fd(&places[i]->wake_fd);
        inherited[i].region_fd = take_fd(&places[i]->region_fd);
    }
    return inherited;
}

/* Each in an object of its own, as "fd": so the estate knows them for descriptors. */
json_t *commons_describe(const struct commons *commons)
{
    json_t *list = json_array();

    for (const struct common *common = commons->first; common != NULL; common = common->next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:{s:i}, s:{s:i}, s:{s:i}}", "server",
                                              common->server, "handler", common->handler, "ring",
                                              "fd", common->ring_fd, "wake", "fd", common->wake_fd,
                                              "region", "fd", common->region_fd));
    return list;
}

static int adopt(struct commons *commons, json_t *value)
{
    struct common *common;
    const char *server, *handler;
    int ring, wake, region;

    if (json_unpack(value, "{s:s, s:s, s:{s:i}, s:{s:i}, s:{s:i}}", "server", &server, "handler",
                    &handler, "ring", "fd", &ring, "wake", "fd", &wake, "region", "fd",
                    &region) < 0)
        return -EPROTO;
    common = add(commons, server, handler);
    if (common == NULL)
        return -ENOMEM;
    if (ring >= 0 && ring_is_known(ring) && fcntl(wake, F_GETFD) >= 0) {
        common->ring_fd = ring;
        common->wake_fd = wake;
    }
    if (region >= 0 && fcntl(region, F_GETFD) >= 0)
        common->region_fd = region;
    return 0;
}

int commons_adopt(struct commons *commons, const json_t *list)
{
    json_t *value;
    size_t i;
    int error = 0;

    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        if (error == 0)
            error = adopt(commons, value);
    }
    return error;
}

void commons_sweep(struct commons *commons)
{
    struct common *common = commons->first;

    while (common != NULL) {
        struct common *next = common->next;

        if (common->references == 0)
            drop(commons, common);
        common = next;
    }
}

void commons_clear(struct commons *commons)
{
    while (commons->first != NULL)
        drop(commons, commons->first);
}
