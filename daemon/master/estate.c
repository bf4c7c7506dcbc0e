/* SPDX-License-Identifier: MIT
 *
 * Writing the estate.  estate_adopt.c reads it.
 */
#include "estate.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control_client.h"
#include "estate_internal.h"
#include "generation.h"
#include "inherited_config.h"
#include "ipc.h"
#include "listeners.h"
#include "master_internal.h"
#include "scoreboard.h"
#include "slot.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Bytes as hexadecimal digits: names of unix sockets may hold anything. */
static json_t *hex(const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *byte = bytes;
    char text[2 * PRONG_PATH_SIZE + 1];
    size_t length = 0;

    for (size_t i = 0; i < size && length + 2 < sizeof(text); i++) {
        text[length++] = digits[byte[i] >> 4];
        text[length++] = digits[byte[i] & 15];
    }
    return json_stringn(text, length);
}

static json_t *describe_address(const struct prong_address *address)
{
    return json_pack("{s:i, s:i, s:o, s:o, s:o}", "family", address->family, "port", address->port,
                     "scope", number(address->scope), "ip", hex(address->ip, sizeof(address->ip)),
                     "path", hex(address->path, address->path_size));
}

static json_t *describe_listener(const struct listener *listener)
{
    return json_pack("{s:i, s:s, s:i, s:i, s:i, s:o, s:s*, s:s*}", "fd", listener->fd, "server",
                     listener->server, "ordinal", (int)listener->ordinal, "nth", (int)listener->nth,
                     "state", (int)listener->state, "wanted", describe_address(&listener->wanted),
                     "given", listener->given, "stored", listener->stored);
}

static json_t *describe_listeners(const struct listeners *listeners)
{
    json_t *list = json_array();
    const struct listener *listener = NULL;

    while ((listener = listeners_next(listeners, listener)) != NULL)
        json_array_append_new(list, describe_listener(listener));
    return list;
}

/* --- Generations --- */

static json_t *describe_slot(const struct slot *slot)
{
    return json_pack("{s:I, s:i, s:i, s:i, s:o}", "pid", (json_int_t)slot->pid, "fd",
                     slot->ipc != NULL ? ipc_fd(slot->ipc) : -1, "state", (int)slot->state,
                     "early_deaths", (int)slot->early_deaths, "served_before",
                     number(slot->served_before));
}

static json_t *describe_generation(const struct generation *generation)
{
    json_t *slots = json_array(), *nudges = json_array(), *listeners = json_array();

    for (unsigned i = 0; i < generation->slot_count; i++) {
        json_array_append_new(slots, describe_slot(&generation->slots[i]));
        json_array_append_new(nudges, json_integer(generation->nudge_fds[i]));
    }
    for (size_t i = 0; i < generation->listener_count; i++)
        json_array_append_new(listeners, json_pack("{s:i, s:i}", "server",
                                                   (int)generation->listeners[i].server, "fd",
                                                   generation->listeners[i].listener->fd));
    return json_pack("{s:o, s:i, s:b, s:o, s:o, s:o, s:o}", "number", number(generation->number),
                     "state", (int)generation->state, "accepts", generation->accepts, "config",
                     inherited_config_describe(generation->config), "slots", slots, "nudges",
                     nudges, "listeners", listeners);
}

static json_t *describe_generations(const struct generation_list *generations)
{
    json_t *list = json_array();

    for (const struct generation *generation = generations->first; generation != NULL;
         generation = generation->next)
        json_array_append_new(list, describe_generation(generation));
    return list;
}

/* --- All of it --- */

/* Those that have asked nothing yet: their requests are read by the next program. */
static json_t *describe_clients(const struct control *control)
{
    json_t *list = json_array();
    const struct control_client *client = NULL;

    while ((client = control_next_silent(control, client)) != NULL)
        json_array_append_new(list, json_integer(client->fd));
    return list;
}

static json_t *describe(const struct master *master, const struct control_client *client,
                        int image_fd)
{
    json_t *pid_file = json_null(), *control = json_null();

    if (master->pid_file.path != NULL)
        pid_file =
            json_pack("{s:s, s:i}", "path", master->pid_file.path, "fd", master->pid_file.fd);
    if (master->control != NULL)
        control = json_pack("{s:i, s:o}", "fd", control_fd(master->control), "clients",
                            describe_clients(master->control));
    return json_pack(
        "{s:i, s:s, s:i, s:i, s:i, s:I, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "version", ESTATE_VERSION, "program", PRONG_VERSION, "image", image_fd, "client",
        client != NULL ? client->fd : -1, "scoreboard", scoreboard_fd(master->scoreboard),
        "started", (json_int_t)master->started, "last_generation", number(master->last_generation),
        "configured_workers", (int)master->configured_workers, "wanted_workers",
        (int)master->wanted_workers, "pid_file", pid_file, "control", control, "listeners",
        describe_listeners(master->listeners), "generations",
        describe_generations(&master->generations), "history", history_json(&master->history),
        "counters", counters_json(&master->counters), "drains", drains_json(&master->drains),
        "timeline", timeline_json(&master->timeline), "observer",
        observation_describe(master->observation), "commons", commons_describe(&master->commons));
}

int estate_write(const struct master *master, const struct control_client *client, int image_fd)
{
    json_t *estate = describe(master, client, image_fd);
    int fd = memfd_create("prongd-estate", MFD_CLOEXEC);
    int error = 0;

    json_object_set_new(estate, "keepers", keepers_describe(master->keepers));
    if (estate == NULL || fd < 0)
        error = estate == NULL ? -ENOMEM : -errno;
    else if (json_dumpfd(estate, fd, JSON_COMPACT) < 0)
        error = -EIO;
    json_decref(estate);
    if (error < 0 && fd >= 0)
        close(fd);
    return error < 0 ? error : fd;
}
