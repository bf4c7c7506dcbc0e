/* SPDX-License-Identifier: MIT
 *
 * What handlers say of their items: upstreams that are down, servers that have none left.
 */
#include <inttypes.h>
#include <stdbool.h>
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

static void tell_sick(struct doctor *doctor, const json_t *item)
{
    const json_t *reason = json_object_get(item, "reason");
    double since_s = json_number_value(json_object_get(item, "since_s"));
    char since[UNITS_SIZE];

    doctor_find(doctor, DOCTOR_WARNING,
                "The others carry its connections: see whether it runs, and whether this machine "
                "reaches it.",
                "%s %s of server %s is %s for %s%s%s", text(item, "kind"), text(item, "name"),
                text(item, "server"), text(item, "health"),
                units_duration((uint64_t)since_s, since), reason != NULL ? ": " : "",
                reason != NULL ? json_string_value(reason) : "");
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
