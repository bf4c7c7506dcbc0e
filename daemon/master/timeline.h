/* SPDX-License-Identifier: MIT
 *
 * The timeline: what happened to the service last, for `prongctl status --json` and the status
 * page.
 *
 * The newest are kept; an upgrade takes them along.
 */
#ifndef PRONGD_TIMELINE_H
#define PRONGD_TIMELINE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define TIMELINE_LENGTH 64

enum timeline_event {
    TIMELINE_START,
    TIMELINE_RELOAD,
    TIMELINE_REFUSAL, /* of a reload */
    TIMELINE_UPGRADE,
    TIMELINE_DEATH, /* of a worker that nobody had told to end */
    TIMELINE_EVENTS
};

struct timeline_entry {
    time_t time;
    enum timeline_event event;
    uint64_t generation;
    char detail[200]; /* cut */
};

/* All zero: nothing has happened. */
struct timeline {
    struct timeline_entry entries[TIMELINE_LENGTH]; /* a ring */
    size_t count;                                   /* of all */
};

/* `detail` may have several lines, of which the first is kept. */
void timeline_add(struct timeline *timeline, enum timeline_event event, uint64_t generation,
                  const char *detail);

/* Gives [{"time": "2026-01-31T12:00:00Z", "event": "reload", "generation": 2, "detail": …}], the
 * oldest first; NULL when memory is short. */
json_t *timeline_json(const struct timeline *timeline);

/* What timeline_json() gave, on top of what is there.  NULL, or anything else: nothing. */
void timeline_read(struct timeline *timeline, const json_t *list);

#endif
