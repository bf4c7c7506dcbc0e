/* SPDX-License-Identifier: MIT
 *
 * The answer to `prongctl status` for people.
 */
#include "status.h"

#include "table.h"
#include "units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column worker_columns[] = {
    {"WORKER", "slot", TABLE_NUMBER},
    {"GENERATION", "generation", TABLE_NUMBER},
    {"PID", "pid", TABLE_NUMBER},
    {"STATE", "state", TABLE_TEXT},
    {"GATE", "gate", TABLE_TEXT}, /* "closed": it is above the mean */
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"ACCEPTED", "accepted", TABLE_NUMBER},
    {"CLOSED", "closed", TABLE_NUMBER},
    {"READ", "bytes_read", TABLE_BYTES},
    {"WRITTEN", "bytes_written", TABLE_BYTES},
};

static const struct table_column server_columns[] = {
    {"SERVER", "name", TABLE_TEXT},
    {"STATE", "state", TABLE_TEXT},
    {"HANDLER", "handler", TABLE_TEXT},
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"ACCEPTED", "accepted", TABLE_NUMBER},
    {"DROPPED", "dropped", TABLE_NUMBER},
    {"MAX/MEAN", "max_to_mean", TABLE_NUMBER},
    {"ADDRESSES", "addresses", TABLE_TEXT},
};

static const struct table_column counter_columns[] = {
    {"SERVER", "server", TABLE_TEXT},
    {"COUNTER", "counter", TABLE_TEXT},
    {"COUNT", "count", TABLE_NUMBER},
    {"MEANING", "help", TABLE_TEXT},
};

static void print_member(FILE *stream, const char *before, const json_t *object, const char *key)
{
    char text[TABLE_CELL_SIZE];

    (void)fprintf(stream, "%s%s", before,
                  table_cell(json_object_get(object, key), TABLE_TEXT, text));
}

static void print_master(FILE *stream, const json_t *master)
{
    json_int_t uptime_s = json_integer_value(json_object_get(master, "uptime_s"));
    char duration[UNITS_SIZE];

    print_member(stream, "prongd ", master, "version");
    print_member(stream, ", master ", master, "pid");
    print_member(stream, ", generation ", master, "generation");
    print_member(stream, ", started ", master, "started");
    (void)fprintf(stream, ", up %s\n",
                  units_duration(uptime_s < 0 ? 0 : (uint64_t)uptime_s, duration));
}

/* Those that nobody would otherwise look for. */
static void print_rests(FILE *stream, const json_t *workers)
{
    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);
        const json_t *rest = json_object_get(worker, "rests_s");

        if (rest == NULL)
            continue;
        print_member(stream, "Worker ", worker, "slot");
        print_member(stream, " ended too early ", worker, "early_deaths");
        (void)fprintf(stream, " times in a row: the next one starts in %.0f s.\n",
                      json_number_value(rest));
    }
}

static void print_hanging(FILE *stream, const json_t *keepers)
{
    for (size_t i = 0; i < json_array_size(keepers); i++) {
        const json_t *keeper = json_array_get(keepers, i);
        const json_t *silent = json_object_get(keeper, "silent_s");

        if (silent == NULL)
            continue;
        print_member(stream, "A keeper of ", keeper, "server");
        print_member(stream, " (process ", keeper, "pid");
        print_member(stream, ") hangs with ", keeper, "programs");
        (void)fprintf(stream, " programs: it has not answered for %.0f s.\n",
                      json_number_value(silent));
    }
}

/* Most handlers count nothing of their own. */
static void print_counters(FILE *stream, const json_t *counters)
{
    if (json_array_size(counters) == 0)
        return;
    (void)fputc('\n', stream);
    table_print(stream, counter_columns, COUNT(counter_columns), counters);
}

void status_print(FILE *stream, json_t *answer)
{
    print_master(stream, json_object_get(answer, "master"));
    (void)fputc('\n', stream);
    table_print(stream, worker_columns, COUNT(worker_columns), json_object_get(answer, "workers"));
    print_rests(stream, json_object_get(answer, "workers"));
    (void)fputc('\n', stream);
    table_print(stream, server_columns, COUNT(server_columns), json_object_get(answer, "servers"));
    print_hanging(stream, json_object_get(answer, "keepers"));
    print_counters(stream, json_object_get(answer, "handler_counters"));
}
