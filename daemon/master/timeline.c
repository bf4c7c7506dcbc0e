/* SPDX-License-Identifier: MIT
 *
 * A ring of events.
 */
#include "timeline.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

static const char *const names[TIMELINE_EVENTS] = {
    [TIMELINE_START] = "start",     [TIMELINE_RELOAD] = "reload", [TIMELINE_REFUSAL] = "refusal",
    [TIMELINE_UPGRADE] = "upgrade", [TIMELINE_DEATH] = "death",
};

static struct timeline_entry *next_entry(struct timeline *timeline)
{
    return &timeline->entries[timeline->count++ % TIMELINE_LENGTH];
}

void timeline_add(struct timeline *timeline, enum timeline_event event, uint64_t generation,
                  const char *detail)
{
    struct timeline_entry *entry = next_entry(timeline);

    entry->time = time(NULL);
    entry->event = event;
    entry->generation = generation;
    (void)snprintf(entry->detail, sizeof(entry->detail), "%.*s", (int)strcspn(detail, "\n"),
                   detail);
}

/* A detail may name a file, and a name may be cut, so it need not be text in UTF-8. */
static json_t *describe(const struct timeline_entry *entry)
{
    char when[sizeof("2000-01-01T00:00:00Z")] = "";
    json_t *detail = json_string(entry->detail);
    struct tm utc;

    if (gmtime_r(&entry->time, &utc) != NULL)
        (void)strftime(when, sizeof(when), TIME_FORMAT, &utc);
    return json_pack("{s:s, s:s, s:I, s:o}", "time", when, "event", names[entry->event],
                     "generation", (json_int_t)entry->generation, "detail",
                     detail != NULL ? detail : json_string("(not in UTF-8: see the log)"));
}

json_t *timeline_json(const struct timeline *timeline)
{
    json_t *list = json_array();
    size_t first = timeline->count > TIMELINE_LENGTH ? timeline->count - TIMELINE_LENGTH : 0;

    for (size_t i = first; i < timeline->count; i++)
        json_array_append_new(list, describe(&timeline->entries[i % TIMELINE_LENGTH]));
    return list;
}

/* False: it is not one that this program knows. */
static bool find_event(const char *name, enum timeline_event *event)
{
    for (int i = 0; name != NULL && i < TIMELINE_EVENTS; i++) {
        *event = (enum timeline_event)i;
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void read_one(struct timeline *timeline, const json_t *object)
{
    const char *when = json_string_value(json_object_get(object, "time"));
    const char *detail = json_string_value(json_object_get(object, "detail"));
    struct timeline_entry *entry;
    enum timeline_event event;
    struct tm utc = {0};

    if (!find_event(json_string_value(json_object_get(object, "event")), &event) || when == NULL ||
        strptime(when, TIME_FORMAT, &utc) == NULL)
        return;
    entry = next_entry(timeline);
    entry->time = timegm(&utc);
    entry->event = event;
    entry->generation = (uint64_t)json_integer_value(json_object_get(object, "generation"));
    (void)snprintf(entry->detail, sizeof(entry->detail), "%s", detail != NULL ? detail : "");
}

void timeline_read(struct timeline *timeline, const json_t *list)
{
    const json_t *object;
    size_t i;

    json_array_foreach(list, i, object)
    {
        read_one(timeline, object);
    }
}
