/* SPDX-License-Identifier: MIT
 *
 * Every number in one row.
 */
#include "totals.h"

#include <stdatomic.h>
#include <stddef.h>

#include "scoreboard.h"

struct row {
    const char *name;
    size_t in_totals;
    size_t in_cell;
};

#define ROW(member)                                                    \
    {                                                                  \
        .name = #member, .in_totals = offsetof(struct totals, member), \
        .in_cell = offsetof(struct scoreboard_server, member),         \
    }

#define DROP(reason, text)                                                            \
    {                                                                                 \
        .name = "dropped_" text, .in_totals = offsetof(struct totals, drops[reason]), \
        .in_cell = offsetof(struct scoreboard_server, drops[reason]),                 \
    }

#define CUT(end, text)                                                                           \
    {                                                                                            \
        .name = "cut_" text, .in_totals = offsetof(struct totals, cuts[end - ACCESS_FIRST_CUT]), \
        .in_cell = offsetof(struct scoreboard_server, cuts[end - ACCESS_FIRST_CUT]),             \
    }

static const struct row rows[] = {
    ROW(connections),
    ROW(accepted),
    ROW(closed),
    ROW(dropped),
    ROW(failed),
    ROW(bytes_read),
    ROW(bytes_written),
    ROW(gate_closed),
    ROW(gate_forced),
    ROW(gate_nudges),
    ROW(queues_relieved),
    ROW(was_full),
    ROW(shadowed),
    ROW(expelled),
    ROW(access_lost),
    CUT(ACCESS_END_IDLE, "timeout"),
    CUT(ACCESS_END_FIRST_BYTE, "first_byte_timeout"),
    CUT(ACCESS_END_LIFETIME, "lifetime"),
    CUT(ACCESS_END_STALL, "write_timeout"),
    CUT(ACCESS_END_UPSTREAM, "write_timeout_upstream"),
    CUT(ACCESS_END_SILENT, "ETIMEDOUT"),
    CUT(ACCESS_END_LINGER, "linger"),
    CUT(ACCESS_END_QUEUE, "max_write_queue"),
    CUT(ACCESS_END_MEMORY, "max_memory"),
    DROP(DROP_DESCRIPTORS, "descriptors"),
    DROP(DROP_MEMORY, "memory"),
    DROP(DROP_PROXY_HEADER, "proxy_header"),
    DROP(DROP_DRAINED, "drained"),
    DROP(DROP_LIST, "list"),
    DROP(DROP_RATE, "rate_per_address"),
    DROP(DROP_ADDRESS, "per_address"),
    DROP(DROP_TABLE, "address_table_full"),
    DROP(DROP_MAX_CONNECTIONS, "max_connections"),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static uint64_t *number_in(struct totals *totals, const struct row *row)
{
    return (uint64_t *)(void *)((char *)totals + row->in_totals);
}

static uint64_t read_number(const struct totals *totals, const struct row *row)
{
    return *(const uint64_t *)(const void *)((const char *)totals + row->in_totals);
}

void totals_add_cell(struct totals *totals, const struct scoreboard_server *cell)
{
    for (size_t i = 0; cell != NULL && i < ROW_COUNT; i++) {
        const void *number = (const char *)cell + rows[i].in_cell;

        *number_in(totals, &rows[i]) +=
            atomic_load_explicit((const _Atomic uint64_t *)number, memory_order_relaxed);
    }
}

void totals_add(struct totals *totals, const struct totals *more)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        *number_in(totals, &rows[i]) += read_number(more, &rows[i]);
}

json_t *totals_json(const struct totals *totals)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < ROW_COUNT; i++)
        json_object_set_new(object, rows[i].name,
                            json_integer((json_int_t)read_number(totals, &rows[i])));
    return object;
}

void totals_read(struct totals *totals, const json_t *object)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        *number_in(totals, &rows[i]) =
            (uint64_t)json_integer_value(json_object_get(object, rows[i].name));
}
