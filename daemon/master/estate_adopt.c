/* SPDX-License-Identifier: MIT
 *
 * Reading the estate: nothing in it is trusted, neither numbers nor descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "estate.h"
#include "estate_internal.h"
#include "generation.h"
#include "inherited_config.h"
#include "listeners.h"
#include "master_internal.h"
#include "scoreboard.h"
#include "slot.h"

/* --- Values --- */

static bool is_open(int fd)
{
    return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

static int digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* How many bytes the digits make; -1 when they do not fit or are none. */
static long unhex(const char *text, void *bytes, size_t size)
{
    unsigned char *byte = bytes;
    size_t length = strlen(text);

    if (length % 2 != 0 || length / 2 > size)
        return -1;
    for (size_t i = 0; i < length / 2; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -1;
        byte[i] = (unsigned char)(high << 4 | low);
    }
    return (long)(length / 2);
}

static bool read_address(const json_t *value, struct prong_address *address)
{
    const char *ip, *path;
    int family, port;
    json_int_t scope;
    long path_size;

    *address = (struct prong_address){0};
    if (json_unpack((json_t *)(uintptr_t)value, "{s:i, s:i, s:I, s:s, s:s}", "family", &family,
                    "port", &port, "scope", &scope, "ip", &ip, "path", &path) < 0)
        return false;
    path_size = unhex(path, address->path, sizeof(address->path));
    if (path_size < 0 || unhex(ip, address->ip, sizeof(address->ip)) != sizeof(address->ip))
        return false;
    address->family = (uint16_t)family;
    address->port = (uint16_t)port;
    address->scope = (uint32_t)scope;
    address->path_size = (uint8_t)path_size;
    return true;
}

/* --- Handles --- */

static int adopt_listener(struct listeners *listeners, const json_t *value)
{
    struct prong_address wanted;
    struct listener_origin origin = {.wanted = &wanted,
                                     .stored = json_string_value(json_object_get(value, "stored"))};
    const char *given = json_string_value(json_object_get(value, "given"));
    int fd, ordinal, nth, state;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:i, s:s, s:i, s:i, s:i}", "fd", &fd, "server",
                    &origin.server, "ordinal", &ordinal, "nth", &nth, "state", &state) < 0 ||
        !read_address(json_object_get(value, "wanted"), &wanted) || !is_open(fd))
        return -EPROTO;
    if (given != NULL)
        return listeners_adopt_given(listeners, fd, given);
    origin.ordinal = (unsigned)ordinal;
    origin.nth = (unsigned)nth;
    /* The workers that close it begin anew. */
    origin.state = state == LISTENER_SERVING ? LISTENER_SERVING : LISTENER_RETIRED;
    return listeners_adopt(listeners, fd, &origin);
}

static int adopt_listeners(struct master *master, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        int error = adopt_listener(master->listeners, value);

        if (error < 0)
            return error;
    }
    return 0;
}

/* --- Generations --- */

/* A worker without a channel has closed it, and is about to end. */
static int adopt_slot(struct generation *generation, unsigned index, const json_t *value)
{
    struct slot *slot = &generation->slots[index];
    json_int_t pid, served_before;
    int fd, state, early_deaths;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:I, s:i, s:i, s:i, s:I}", "pid", &pid, "fd", &fd,
                    "state", &state, "early_deaths", &early_deaths, "served_before",
                    &served_before) < 0 ||
        (pid != 0 && fd >= 0 && !is_open(fd)))
        return -EPROTO;
    slot->early_deaths = (unsigned)early_deaths;
    slot->served_before = (uint64_t)served_before;
    return supervisor_adopt_slot(slot, (pid_t)pid, fd, (enum slot_state)state);
}

static int adopt_slots(struct generation *generation, struct supervisor *supervisor,
                       const json_t *slots)
{
    const json_t *value;
    size_t i;

    supervisor_prepare(supervisor, generation);
    json_array_foreach(slots, i, value)
    {
        int error = adopt_slot(generation, (unsigned)i, value);

        if (error < 0)
            return error;
    }
    return 0;
}

static int adopt_generation_listeners(struct generation *generation, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        int server, fd;

        if (json_unpack((json_t *)(uintptr_t)value, "{s:i, s:i}", "server", &server, "fd", &fd) <
                0 ||
            generation_adopt_listener(generation, (unsigned)server, fd) < 0)
            return -EPROTO;
    }
    return 0;
}

static int adopt_nudges(struct generation *generation, const json_t *list)
{
    for (unsigned i = 0; i < generation->slot_count; i++) {
        int fd = (int)json_integer_value(json_array_get(list, i));

        if (!is_open(fd))
            return -EPROTO;
        generation->nudge_fds[i] = fd;
    }
    return 0;
}

static int adopt_generation(struct master *master, const json_t *value)
{
    json_t *config, *slots, *nudges, *listeners;
    json_int_t number;
    int state, accepts, error;
    struct generation_plan plan = {.registry = master->listeners,
                                   .keepers = master->keepers,
                                   .shared = &master->commons,
                                   .scoreboard = master->scoreboard};
    struct generation *generation;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:I, s:i, s:b, s:o, s:o, s:o, s:o}", "number",
                    &number, "state", &state, "accepts", &accepts, "config", &config, "slots",
                    &slots, "nudges", &nudges, "listeners", &listeners) < 0)
        return -EPROTO;
    plan.number = (uint64_t)number;
    plan.workers = (unsigned)json_array_size(slots);
    plan.config = inherited_config_new(config, master->handlers);
    if (plan.config == NULL)
        return -EPROTO;
    generation = generation_adopt(&plan, (enum generation_state)state, accepts != 0);
    if (generation == NULL)
        return -ENOMEM;
    generation_list_append(&master->generations, generation);
    error = adopt_nudges(generation, nudges);
    if (error == 0)
        error = adopt_generation_listeners(generation, listeners);
    if (error == 0)
        error = adopt_slots(generation, &master->supervisor, slots);
    return error;
}

static int adopt_generations(struct master *master, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        int error = adopt_generation(master, value);

        if (error < 0)
            return error;
    }
    return 0;
}

/* --- All of it --- */

static int adopt_control(struct master *master, const json_t *estate)
{
    const json_t *control = json_object_get(estate, "control");
    const json_t *value;
    int fd = -1, client = -1;
    size_t i;

    if (json_is_null(control))
        return 0;
    if (json_unpack((json_t *)(uintptr_t)control, "{s:i}", "fd", &fd) < 0 || !is_open(fd))
        return -EPROTO;
    master->control = control_adopt(master->loop, fd, command_table, master);
    if (master->control == NULL)
        return -ENOMEM;
    client = (int)json_integer_value(json_object_get(estate, "client"));
    if (is_open(client))
        master->successor_client = control_adopt_client(master->control, client, true);
    json_array_foreach(json_object_get(control, "clients"), i, value)
    {
        if (is_open((int)json_integer_value(value)))
            (void)control_adopt_client(master->control, (int)json_integer_value(value), false);
    }
    return 0;
}

static int adopt_pid_file(struct master *master, const json_t *value)
{
    const char *path;
    int fd;

    if (json_is_null(value))
        return 0;
    if (json_unpack((json_t *)(uintptr_t)value, "{s:s, s:i}", "path", &path, "fd", &fd) < 0 ||
        !is_open(fd))
        return -EPROTO;
    master->pid_file.path = strdup(path);
    master->pid_file.fd = fd;
    return master->pid_file.path == NULL ? -ENOMEM : 0;
}

static int adopt_numbers(struct master *master, const json_t *estate)
{
    json_int_t started, last_generation;
    int scoreboard, configured, wanted;

    if (json_unpack((json_t *)(uintptr_t)estate, "{s:i, s:I, s:I, s:i, s:i}", "scoreboard",
                    &scoreboard, "started", &started, "last_generation", &last_generation,
                    "configured_workers", &configured, "wanted_workers", &wanted) < 0 ||
        !is_open(scoreboard))
        return -EPROTO;
    master->started = (time_t)started;
    master->last_generation = (uint64_t)last_generation;
    master->configured_workers = (unsigned)configured;
    master->wanted_workers = (unsigned)wanted;
    scoreboard_free(master->scoreboard);
    master->scoreboard = scoreboard_adopt(scoreboard);
    return master->scoreboard == NULL ? -errno : 0;
}

int estate_adopt(struct master *master, int fd, char *problem, size_t size)
{
    json_t *estate = estate_load(fd, problem, size);
    int error;

    if (estate == NULL)
        return -EPROTO;
    error = adopt_numbers(master, estate);
    if (error == 0)
        error = adopt_pid_file(master, json_object_get(estate, "pid_file"));
    if (error == 0)
        error = adopt_control(master, estate);
    if (error == 0)
        error = adopt_listeners(master, json_object_get(estate, "listeners"));
    if (error == 0)
        error = observation_adopt(master->observation, json_object_get(estate, "observer"));
    if (error == 0)
        error = keepers_adopt(master->keepers, json_object_get(estate, "keepers"));
    if (error == 0)
        error = commons_adopt(&master->commons, json_object_get(estate, "commons"));
    if (error == 0)
        error = adopt_generations(master, json_object_get(estate, "generations"));
    if (error == 0)
        commons_sweep(&master->commons);
    counters_read(&master->counters, json_object_get(estate, "counters"));
    drains_read(&master->drains, json_object_get(estate, "drains"));
    timeline_read(&master->timeline, json_object_get(estate, "timeline"));
    history_read(&master->history, json_object_get(estate, "history"));
    if (error < 0)
        snprintf(problem, size, "the estate does not fit together: %s", strerror(-error));
    json_decref(estate);
    return error;
}
