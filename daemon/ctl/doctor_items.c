/* SPDX-License-Identifier: MIT
 *
 * What handlers say of their items: upstreams that are down, servers that have none left.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "units.h"

static const char *text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value != NULL ? value : "?";
}

static bool is_of(const json_t *item, const char *server)
{
    return strcmp(text(item, "server"), server) == 0;
}

/* Retired ones say nothing. */
static bool is_sick(const json_t *item)
{
    return json_is_false(json_object_get(item, "is_well"));
}

/* Does nobody of the server get anything?  Drained ones do not, either. */
static bool has_none(const json_t *items, const char *server)
{
    const json_t *item;
    bool has_any = false;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (!is_of(item, server) || json_object_get(item, "is_well") == NULL)
            continue;
        if (!is_sick(item) && !json_is_true(json_object_get(item, "drained")))
            return false;
        has_any = true;
    }
    return has_any;
}

/* ", for 3 s", where it is known. */
static void add_duration(const json_t *item, char *text, size_t size)
{
    const json_t *since_s = json_object_get(item, "since_s");
    char duration[UNITS_SIZE];

    text[0] = '\0';
    if (since_s != NULL)
        (void)snprintf(text, size, ", for %s",
                       units_duration((uint64_t)json_number_value(since_s), duration));
}

static void tell_sick(struct doctor *doctor, const json_t *item)
{
    const char *reason = json_string_value(json_object_get(item, "reason"));
    char duration[UNITS_SIZE + 8];

    add_duration(item, duration, sizeof(duration));
    doctor_find(doctor, DOCTOR_WARNING,
                "The others carry its connections: see whether it runs, and whether this machine "
                "reaches it.",
                "%s %s of server %s is in state \"%s\"%s%s%s", text(item, "kind"),
                text(item, "name"), text(item, "server"), text(item, "health"), duration,
                reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static void check_server(struct doctor *doctor, const json_t *items, const char *server)
{
    const json_t *item;
    size_t i;

    if (has_none(items, server)) {
        doctor_find(doctor, DOCTOR_PROBLEM,
                    "Its clients are sent away: prongctl servers shows each with its last error.",
                    "server %s has nothing left that works: all are down or drained", server);
        return;
    }
    json_array_foreach(items, i, item)
    {
        if (is_of(item, server) && is_sick(item))
            tell_sick(doctor, item);
    }
}

void doctor_check_items(struct doctor *doctor)
{
    const json_t *items = json_object_get(doctor->status, "items");
    const json_t *server;
    size_t i;

    json_array_foreach(json_object_get(doctor->status, "servers"), i, server)
    {
        check_server(doctor, items, text(server, "name"));
    }
}
