/* SPDX-License-Identifier: MIT
 *
 * Every counter in one row.
 */
#include "counters.h"

#include <stddef.h>

struct row {
    const char *name;
    size_t offset;
};

#define ROW(member)                                                  \
    {                                                                \
        .name = #member, .offset = offsetof(struct counters, member) \
    }

static const struct row rows[] = {
    ROW(reloads),       ROW(reloads_refused), ROW(upgrades), ROW(worker_starts),
    ROW(worker_deaths), ROW(moved),           ROW(drained),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

json_t *counters_json(const struct counters *counters)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < ROW_COUNT; i++) {
        const void *counter = (const char *)counters + rows[i].offset;

        json_object_set_new(object, rows[i].name,
                            json_integer((json_int_t) * (const uint64_t *)counter));
    }
    return object;
}

void counters_read(struct counters *counters, const json_t *object)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        void *counter = (char *)counters + rows[i].offset;

        *(uint64_t *)counter = (uint64_t)json_integer_value(json_object_get(object, rows[i].name));
    }
}
