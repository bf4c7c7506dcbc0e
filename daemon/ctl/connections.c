/* SPDX-License-Identifier: MIT
 *
 * Filters, sorts, prints.
 */
#include "connections.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "call.h"
#include "criteria.h"
#include "crowd.h"
#include "table.h"
#include "units.h"

/* Lines for people, unless --limit says otherwise; programs get all. */
#define LIMIT     1000
#define LIMIT_TOP 20

static const struct {
    struct table_column column;
    bool of_programs; /* shown only where there are some */
} columns[] = {
    {{"ID", "id", TABLE_NUMBER}, false},
    {{"SERVER", "server", TABLE_TEXT}, false},
    {{"PEER", "peer", TABLE_TEXT}, false},
    {{"WORKER", "worker", TABLE_TEXT}, false},
    {{"PID", "pid", TABLE_NUMBER}, true},
    {{"AGE", "age_s", TABLE_TIME}, false},
    {{"IDLE", "idle_s", TABLE_TIME}, false},
    {{"CPU", "cpu_s", TABLE_TIME}, true},
    {{"IN", "bytes_read", TABLE_BYTES}, false},
    {{"OUT", "bytes_written", TABLE_BYTES}, false},
    {{"QUEUED", "queued_bytes", TABLE_BYTES}, false},
    {{"STATE", "state", TABLE_TEXT}, false},
    {{"MOVES", "moves", TABLE_NUMBER}, false},
    {{"TEXT", "text", TABLE_TEXT}, false},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

void connections_filter(struct crowd *crowd, const struct criteria *criteria)
{
    size_t kept = 0;

    for (size_t i = 0; i < crowd->count; i++) {
        if (criteria_match(criteria, &crowd->members[i]))
            crowd->members[kept++] = crowd->members[i];
    }
    crowd->count = kept;
}

/* --- Sorting: the largest first, and equal ones by number --- */

static uint64_t age_of(const struct roster_row *row)
{
    return row->age_ds;
}

static uint64_t idle_of(const struct roster_row *row)
{
    return row->idle_ms;
}

static uint64_t in_of(const struct roster_row *row)
{
    return row->bytes_read;
}

static uint64_t out_of(const struct roster_row *row)
{
    return row->bytes_written;
}

static uint64_t bytes_of(const struct roster_row *row)
{
    return row->bytes_read + row->bytes_written;
}

static uint64_t queued_of(const struct roster_row *row)
{
    return row->queued;
}

static uint64_t moves_of(const struct roster_row *row)
{
    return row->moves;
}

struct order {
    const char *column;
    uint64_t (*key)(const struct roster_row *row); /* NULL: by peer or by id */
    bool by_peer;
};

static const struct order orders[] = {
    {.column = "id"},
    {.column = "age", .key = age_of},
    {.column = "idle", .key = idle_of},
    {.column = "in", .key = in_of},
    {.column = "out", .key = out_of},
    {.column = "bytes", .key = bytes_of},
    {.column = "queued", .key = queued_of},
    {.column = "moves", .key = moves_of},
    {.column = "peer", .by_peer = true},
};

static int compare_peers(const struct roster_row *one, const struct roster_row *other)
{
    int order = (int)one->family - (int)other->family;

    if (order == 0)
        order = memcmp(one->ip, other->ip, sizeof(one->ip));
    return order != 0 ? order : (int)one->port - (int)other->port;
}

static int compare(const void *left, const void *right, void *user)
{
    const struct roster_row *one = &((const struct crowd_member *)left)->row;
    const struct roster_row *other = &((const struct crowd_member *)right)->row;
    const struct order *order = user;
    uint64_t large = order->key != NULL ? order->key(one) : 0;
    uint64_t small = order->key != NULL ? order->key(other) : 0;
    int difference = order->by_peer ? compare_peers(one, other) : (large < small) - (large > small);

    return difference != 0 ? difference : (one->id > other->id) - (one->id < other->id);
}

bool connections_sort(struct crowd *crowd, const char *column)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct order order = orders[i];

        if (strcmp(order.column, column) != 0)
            continue;
        if (crowd->count > 1)
            qsort_r(crowd->members, crowd->count, sizeof(*crowd->members), compare, &order);
        return true;
    }
    return false;
}

/* --- Showing --- */

static void print_rest(const struct crowd *crowd, size_t shown)
{
    char all[UNITS_SIZE], some[UNITS_SIZE];

    if (shown < crowd->count)
        (void)printf("%s of %s connections; --limit N shows more.\n", units_count(shown, some),
                     units_count(crowd->count, all));
    else
        (void)printf("%s connections.\n", units_count(crowd->count, all));
}

static bool has_program(const struct crowd *crowd, size_t shown)
{
    for (size_t i = 0; i < shown; i++) {
        if (crowd->members[i].is_program)
            return true;
    }
    return false;
}

void connections_print(FILE *stream, const struct crowd *crowd, size_t shown)
{
    bool of_programs = has_program(crowd, shown);
    struct table_column chosen[COLUMN_COUNT];
    json_t *rows = json_array();
    size_t count = 0;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (of_programs || !columns[i].of_programs)
            chosen[count++] = columns[i].column;
    }

    for (size_t i = 0; i < shown; i++)
        json_array_append_new(rows, crowd_describe(&crowd->members[i]));
    table_print(stream, chosen, count, rows);
    json_decref(rows);
}

/* One after the other: a hundred thousand objects need not be there at once. */
static void print_json(const struct crowd *crowd, size_t shown)
{
    (void)printf("{\"ok\": true, \"count\": %zu, \"missing_workers\": %u, "
                 "\"missing_keepers\": %u, \"connections\": [",
                 crowd->count, crowd->missing, crowd->missing_keepers);
    for (size_t i = 0; i < shown; i++) {
        json_t *member = crowd_describe(&crowd->members[i]);

        (void)fputs(i > 0 ? ",\n" : "\n", stdout);
        (void)json_dumpf(member, stdout, 0);
        json_decref(member);
    }
    (void)puts("]}");
}

static void show(const struct call *call, const struct crowd *crowd, uint64_t limit)
{
    size_t shown = crowd->count < limit ? crowd->count : (size_t)limit;

    if (call->json)
        print_json(crowd, shown);
    else
        connections_print(stdout, crowd, shown);
    if (!call->json)
        print_rest(crowd, shown);
    if (crowd->missing > 0)
        (void)fprintf(stderr, "prongctl: %u workers told nothing: theirs are not in the list\n",
                      crowd->missing);
    if (crowd->missing_keepers > 0)
        (void)fprintf(stderr,
                      "prongctl: %u keepers told nothing: their programs are not in the list\n",
                      crowd->missing_keepers);
}

/* --- The command --- */

static int read_limit(const struct call *call, uint64_t *limit)
{
    const char *text = call_option(call, "limit");

    *limit = call->json ? UINT64_MAX : LIMIT;
    if (call_option(call, "top") != NULL)
        *limit = LIMIT_TOP;
    if (text != NULL && !amount_read_number(text, limit))
        return call_fail_usage("--limit takes a number");
    return 0;
}

static const char *column_of(const struct call *call)
{
    const char *column = call_option(call, "sort");

    if (column == NULL)
        column = call_option(call, "top") != NULL ? "bytes" : "id";
    return column;
}

static int list(struct call *call, const struct criteria *criteria, uint64_t limit)
{
    struct crowd crowd = {0};
    int status = 0;

    if (!connections_sort(&crowd, column_of(call)))
        return call_fail_usage("--sort takes id, age, idle, in, out, bytes, queued, moves or peer");
    status = crowd_ask(&crowd, call);
    if (status == 0) {
        connections_filter(&crowd, criteria);
        (void)connections_sort(&crowd, column_of(call));
        show(call, &crowd, limit);
    }
    crowd_clear(&crowd);
    return status;
}

int connections_run(struct call *call)
{
    struct criteria criteria;
    uint64_t limit;
    int status = criteria_read(&criteria, call);

    if (status == 0)
        status = read_limit(call, &limit);
    if (status == 0)
        status = list(call, &criteria, limit);
    criteria_clear(&criteria);
    return status;
}
