/* SPDX-License-Identifier: MIT
 *
 * Two looks make rates; a frame is a text, painted on the screen or printed.
 */
#include "top.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "amount.h"
#include "answer.h"
#include "call.h"
#include "connections.h"
#include "crowd.h"
#include "items.h"
#include "screen.h"
#include "servers.h"
#include "table.h"
#include "units.h"

#define INTERVAL_MS     1000
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
#define BAR_WIDTH       20
#define ONCE_LINES      10 /* connections in a frame that is printed */

/* One look. */
struct look {
    json_t *status;
    struct crowd crowd;
    double at_s;
};

struct top {
    struct call *call;
    struct look last, now;
    const char *sort;
    uint64_t interval_ms;
};

static const struct table_column worker_columns[] = {
    {"WORKER", "worker", TABLE_TEXT},
    {"STATE", "state", TABLE_TEXT},
    {"CPU %", "cpu_percent", TABLE_NUMBER},
    {"LAG ms", "lag_ms", TABLE_NUMBER},
    {"NEW/S", "accepted_per_s", TABLE_NUMBER},
    {"READ/S", "bytes_read_per_s", TABLE_BYTES},
    {"WRITTEN/S", "bytes_written_per_s", TABLE_BYTES},
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"", "bar", TABLE_TEXT},
};

static const struct table_column server_columns[] = {
    {"SERVER", "name", TABLE_TEXT},
    {"STATE", "state", TABLE_TEXT},
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"WAITING", "queue", TABLE_NUMBER},
    {"NEW/S", "accepted_per_s", TABLE_NUMBER},
    {"READ/S", "bytes_read_per_s", TABLE_BYTES},
    {"WRITTEN/S", "bytes_written_per_s", TABLE_BYTES},
    {"DROPPED/S", "dropped_per_s", TABLE_NUMBER},
    {"MAX/MEAN", "max_to_mean", TABLE_NUMBER},
};

/* A key, and the column that it sorts by. */
static const struct {
    char key;
    const char *column;
} sorts[] = {
    {'b', "bytes"}, {'i', "in"},   {'o', "out"},   {'u', "queued"},
    {'a', "age"},   {'d', "idle"}, {'m', "moves"}, {'p', "peer"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- Looking --- */

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void look_clear(struct look *look)
{
    json_decref(look->status);
    crowd_clear(&look->crowd);
    *look = (struct look){0};
}

/* The exit status; when it is not 0, it was said why. */
static int look(struct top *top)
{
    struct look fresh = {0};
    int status;

    fresh.status = call_ask_for(top->call, COMMAND_STATUS);
    if (fresh.status == NULL)
        return CALL_SYSTEM;
    fresh.at_s = now_s();
    status = crowd_ask(&fresh.crowd, top->call);
    if (status != 0) {
        look_clear(&fresh);
        return status;
    }
    look_clear(&top->last);
    top->last = top->now;
    top->now = fresh;
    return 0;
}

/* --- Workers --- */

static json_int_t member(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool is_same_worker(const json_t *one, const json_t *other)
{
    return member(one, "pid") == member(other, "pid") &&
           member(one, "slot") == member(other, "slot");
}

static const json_t *find_worker(const json_t *status, const json_t *worker)
{
    const json_t *workers = json_object_get(status, "workers");

    for (size_t i = 0; i < json_array_size(workers); i++) {
        if (is_same_worker(json_array_get(workers, i), worker))
            return json_array_get(workers, i);
    }
    return NULL;
}

static json_int_t most_connections(const json_t *workers)
{
    json_int_t most = 0;

    for (size_t i = 0; i < json_array_size(workers); i++) {
        json_int_t count = member(json_array_get(workers, i), "connections");

        most = count > most ? count : most;
    }
    return most;
}

static json_t *bar(json_int_t count, json_int_t most)
{
    char text[BAR_WIDTH + 1] = "";
    json_int_t length = most > 0 ? (count * BAR_WIDTH + most - 1) / most : 0;

    if (count > 0)
        memset(text, '#', (size_t)(length < BAR_WIDTH ? length : BAR_WIDTH));
    return json_string(text);
}

static double tenth(double value)
{
    return (double)(int64_t)(value * 10 + 0.5) / 10;
}

static json_t *describe_worker(const json_t *worker, const json_t *before, double seconds)
{
    json_t *described = json_copy((json_t *)(uintptr_t)worker);
    double cpu_us = (double)(member(worker, "cpu_us") - member(before, "cpu_us"));

    json_object_set_new(described, "worker",
                        json_sprintf("%lld.%lld", (long long)member(worker, "generation"),
                                     (long long)member(worker, "slot")));
    json_object_set_new(described, "lag_ms",
                        json_real(tenth((double)member(worker, "lag_us") / 1e3)));
    if (before == NULL || seconds <= 0)
        return described;
    json_object_set_new(described, "cpu_percent",
                        json_real(tenth(cpu_us > 0 ? cpu_us / seconds / 1e4 : 0)));
    servers_add_rates(described, before, seconds);
    return described;
}

static json_t *describe_workers(const struct top *top)
{
    const json_t *workers = json_object_get(top->now.status, "workers");
    json_int_t most = most_connections(workers);
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);
        json_t *described = describe_worker(worker, find_worker(top->last.status, worker),
                                            top->now.at_s - top->last.at_s);

        json_object_set_new(described, "bar", bar(member(worker, "connections"), most));
        json_array_append_new(list, described);
    }
    return list;
}

/* --- A frame --- */

static void print_title(FILE *stream, const struct top *top)
{
    const json_t *master = json_object_get(top->now.status, "master");
    const char *version = json_string_value(json_object_get(master, "version"));
    char uptime[UNITS_SIZE], connections[UNITS_SIZE];

    (void)fprintf(stream, "prongd %s, generation %lld, up %s, %s connections by %s\n\n",
                  version != NULL ? version : "?", (long long)member(master, "generation"),
                  units_duration((uint64_t)member(master, "uptime_s"), uptime),
                  units_count(top->now.crowd.count, connections), top->sort);
}

static json_t *describe_servers(const struct top *top)
{
    return servers_describe(top->now.status, top->last.status, top->now.at_s - top->last.at_s);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static json_t *describe_items(const struct top *top)
{
    return items_describe(top->now.status, top->last.status, top->now.at_s - top->last.at_s);
}

/* Workers, servers and their upstreams; malloc'ed, NULL when memory is short. */
static char *make_head(const struct top *top)
{
    json_t *workers = describe_workers(top), *servers = describe_servers(top);
    json_t *items = describe_items(top);
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream != NULL) {
        print_title(stream, top);
        table_print(stream, worker_columns, COUNT(worker_columns), workers);
        (void)fputc('\n', stream);
        table_print(stream, server_columns, COUNT(server_columns), servers);
        items_print(stream, items);
        (void)fputc('\n', stream);
        (void)fclose(stream);
    }
    json_decref(workers);
    json_decref(servers);
    json_decref(items);
    return text;
}

/* `height` lines, as far as there are connections; malloc'ed. */
static char *make_frame(struct top *top, unsigned height)
{
    char *head = make_head(top), *text = NULL;
    unsigned used = head != NULL ? count_lines(head) + 1 : 0;
    size_t size, shown = height > used ? height - used : 0;
    FILE *stream = head != NULL ? open_memstream(&text, &size) : NULL;

    (void)connections_sort(&top->now.crowd, top->sort);
    if (shown > top->now.crowd.count)
        shown = top->now.crowd.count;
    if (stream != NULL) {
        (void)fputs(head, stream);
        connections_print(stream, &top->now.crowd, shown);
        (void)fclose(stream);
    }
    free(head);
    return text;
}

/* --- Once --- */

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&left, NULL);
}

static void print_json(struct top *top)
{
    json_t *heaviest = json_array(), *shown;

    (void)connections_sort(&top->now.crowd, top->sort);
    for (size_t i = 0; i < top->now.crowd.count && i < ONCE_LINES; i++)
        json_array_append_new(heaviest, crowd_describe(&top->now.crowd.members[i]));
    shown = json_pack("{s:b, s:o, s:o, s:o}", "ok", 1, "workers", describe_workers(top), "servers",
                      describe_servers(top), "connections", heaviest);
    answer_dump(shown);
    json_decref(shown);
}

static int print_once(struct top *top)
{
    int status = look(top);
    char *frame;

    if (status == 0)
        sleep_ms(top->interval_ms);
    if (status == 0)
        status = look(top);
    if (status != 0)
        return status;
    if (top->call->json) {
        print_json(top);
        return 0;
    }
    frame = make_frame(top, 1000);
    (void)fputs(frame != NULL ? frame : "out of memory\n", stdout);
    free(frame);
    return 0;
}

/* --- Live --- */

static void sort_by_key(struct top *top, int key)
{
    for (size_t i = 0; i < COUNT(sorts); i++) {
        if (sorts[i].key == key)
            top->sort = sorts[i].column;
    }
}

static void paint(struct top *top)
{
    static const char keys[] =
        "q quits; sorted by: b bytes, i in, o out, u queued, a age, d idle, m moves, p peer";
    unsigned height = screen_height();
    char *frame = make_frame(top, height > 2 ? height - 2 : 1);
    char *text = NULL;

    if (frame != NULL && asprintf(&text, "%s%s\n", frame, keys) >= 0)
        screen_paint(text);
    free(text);
    free(frame);
}

static int64_t now_ms(void)
{
    return (int64_t)(now_s() * 1e3);
}

/* Until the next look is due.  False: it is over. */
static bool wait_for_keys(struct top *top)
{
    int64_t due_ms = now_ms() + (int64_t)top->interval_ms, left_ms;

    while ((left_ms = due_ms - now_ms()) > 0) {
        int key = screen_key((int)left_ms);

        if (key == 'q' || key == -2)
            return false;
        sort_by_key(top, key);
        if (key != 0)
            paint(top);
    }
    return true;
}

static int run_live(struct top *top)
{
    int status = look(top);
    bool goes_on = true;

    if (status != 0)
        return status;
    if (screen_open() < 0)
        return print_once(top);
    while (status == 0 && goes_on) {
        paint(top);
        goes_on = wait_for_keys(top);
        if (goes_on)
            status = look(top);
    }
    screen_close();
    if (status != 0)
        (void)fprintf(stderr, "prongctl: prongd does not answer any more\n");
    return status;
}

static bool is_sort(const char *column)
{
    for (size_t i = 0; i < COUNT(sorts); i++) {
        if (strcmp(sorts[i].column, column) == 0)
            return true;
    }
    return false;
}

int top_run(struct call *call)
{
    const char *interval = call_option(call, "interval"), *sort = call_option(call, "sort");
    struct top top = {
        .call = call, .sort = sort != NULL ? sort : "bytes", .interval_ms = INTERVAL_MS};
    int status;

    if (interval != NULL &&
        (!amount_read_ms(interval, &top.interval_ms) || top.interval_ms < INTERVAL_MIN_MS ||
         top.interval_ms > INTERVAL_MAX_MS))
        return call_fail_usage("--interval takes a time from 100ms to an hour");
    if (!is_sort(top.sort))
        return call_fail_usage("--sort takes bytes, in, out, queued, age, idle, moves or peer");
    status = call->json || call_option(call, "once") != NULL ? print_once(&top) : run_live(&top);
    look_clear(&top.last);
    look_clear(&top.now);
    return status;
}
