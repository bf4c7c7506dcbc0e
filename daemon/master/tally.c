/* SPDX-License-Identifier: MIT
 *
 * Sums by name.
 */
#include "tally.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "scoreboard.h"

static_assert(SCOREBOARD_COUNTERS == PRONGD_COUNTERS, "each counter has its place in a cell");

/* Two names and the dot. */
#define KEY_SIZE 192

static const char *key_of(const struct prongd_handler *handler, size_t counter, char key[KEY_SIZE])
{
    (void)snprintf(key, KEY_SIZE, "%s.%s", handler->name, handler->counters[counter].name);
    return key;
}

static void add(json_t *tally, const char *key, json_int_t number)
{
    json_int_t sum = json_integer_value(json_object_get(tally, key)) + number;

    (void)json_object_set_new(tally, key, json_integer(sum));
}

void tally_add_cell(json_t *tally, const struct prongd_handler *handler,
                    const struct scoreboard_server *cell)
{
    char key[KEY_SIZE];

    for (size_t i = 0; cell != NULL && i < handler->counter_count; i++)
        add(tally, key_of(handler, i, key),
            (json_int_t)atomic_load_explicit(&cell->counters[i], memory_order_relaxed));
}

void tally_add(json_t *tally, const json_t *more)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)more, key, value)
    {
        add(tally, key, json_integer_value(value));
    }
}

json_int_t tally_find(const json_t *tally, const struct prongd_handler *handler, size_t counter)
{
    char key[KEY_SIZE];

    return json_integer_value(json_object_get(tally, key_of(handler, counter, key)));
}
