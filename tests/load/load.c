/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "connection.h"
#include "options.h"
#include "report.h"

/* What a connection says when it is opened or checked, and a short one says at all. */
#define MESSAGE 64

/* How many may wait in the server's accept queue: fewer than the usual 511, for in a full queue a
 * connection waits a second for the next try. */
#define OPEN_BATCH 256

/* A stream sends no further chunk while so much of it is under way. */
#define UNDER_WAY ((uint64_t)1 << 20)

/* A slow connection reads with one of so many turns. */
#define SIP_TURNS 8

struct load {
    const struct options *options;
    struct connection *all; /* streams first, the slow ones before them, and short ones: the busy */
    size_t count;
    size_t busy; /* those that have turns */
    struct line line;
    struct report report;
    bool is_going;
    uint64_t turn; /* the number of the next */
    uint64_t first_turn_ns;
    uint64_t random;
    char input[4096];
    size_t input_size;
    size_t line_size; /* of the line that was returned last, with its end */
    bool input_ended;
};

/* xorshift64* */
static uint64_t next_random(struct load *load)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return load->random * 0x2545f4914f6cdd1dU;
}

static void die(const char *what)
{
    fprintf(stderr, "steady-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- Turns of the streams --- */

/* Small, middling and large chunks are equally frequent. */
static uint64_t chunk_size(struct load *load)
{
    uint64_t most = load->options->chunk >> (4 * (next_random(load) % 3));

    return 1 + next_random(load) % (most > 0 ? most : 1);
}

static void take_turn(struct load *load, struct connection *connection)
{
    bool has_room = connection->wanted - connection->received < UNDER_WAY;

    if (connection->role == ROLE_SHORT && connection->state == CONNECTION_CLOSED) {
        connection_open(&load->line, connection);
        connection_send(&load->line, connection, MESSAGE);
        return;
    }
    if (connection->role == ROLE_SHORT || connection->state != CONNECTION_OPEN)
        return;
    if (has_room)
        connection_send(&load->line, connection, chunk_size(load));
    if (connection->role == ROLE_SLOW && next_random(load) % SIP_TURNS == 0)
        connection_sip(&load->line, connection);
}

/* The busy ones have their turns one after the other, evenly over the interval. */
static uint64_t turn_due_ns(const struct load *load)
{
    return load->first_turn_ns +
           (uint64_t)((double)load->turn * (double)load->options->interval_ns / (double)load->busy);
}

static void take_turns(struct load *load)
{
    uint64_t now = now_ns();

    for (size_t i = 0; load->is_going && i < load->busy && turn_due_ns(load) <= now; i++) {
        uint64_t late = now - turn_due_ns(load);

        if (late > load->report.late_ns)
            load->report.late_ns = late;
        take_turn(load, &load->all[load->turn++ % load->busy]);
    }
}

static int wait_ms(const struct load *load, uint64_t deadline_ns)
{
    uint64_t now = now_ns(), until = deadline_ns;

    if (load->is_going && turn_due_ns(load) < until)
        until = turn_due_ns(load);
    if (until <= now)
        return 0;
    return until - now < 1000000000U ? (int)((until - now + 999999) / 1000000) : 1000;
}

/* --- The loop --- */

static void read_input(struct load *load)
{
    ssize_t size =
        read(STDIN_FILENO, load->input + load->input_size, sizeof(load->input) - load->input_size);

    if (size > 0)
        load->input_size += (size_t)size;
    else
        load->input_ended = true;
    if (load->input_ended || load->input_size == sizeof(load->input))
        (void)epoll_ctl(load->line.epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

/* One turn of the loop. */
static void turn(struct load *load, uint64_t deadline_ns)
{
    struct epoll_event events[256];
    int count = epoll_wait(load->line.epoll_fd, events, 256, wait_ms(load, deadline_ns));

    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;

        if (connection == NULL)
            read_input(load);
        else if (connection->fd >= 0)
            connection_on_event(&load->line, connection, events[i].events);
    }
    take_turns(load);
}

const char *load_wait_for_line(struct load *load)
{
    char *end;

    load->input_size -= load->line_size;
    memmove(load->input, load->input + load->line_size, load->input_size);
    load->line_size = 0;
    while ((end = memchr(load->input, '\n', load->input_size)) == NULL) {
        if (load->input_ended)
            return NULL;
        turn(load, UINT64_MAX);
    }
    *end = '\0';
    load->line_size = (size_t)(end - load->input) + 1;
    return load->input;
}

/* --- Opening --- */

static bool is_connecting(const struct connection *connection)
{
    return connection->state == CONNECTION_CONNECTING ||
           (connection->state == CONNECTION_OPEN && connection->received == 0);
}

/* Until each of them said its first message and has it back, or is closed. */
static void await(struct load *load, struct connection *const *batch, size_t count)
{
    uint64_t deadline_ns = now_ns() + load->options->patience_ns;

    for (size_t i = 0; i < count; i++) {
        while (is_connecting(batch[i]) && now_ns() < deadline_ns)
            turn(load, deadline_ns);
        if (is_connecting(batch[i]))
            connection_give_up(&load->line, batch[i], FAULT_silent, 0);
    }
}

void load_open(struct load *load)
{
    struct connection *batch[OPEN_BATCH];
    size_t count = 0;

    for (size_t i = 0; i < load->count; i++) {
        struct connection *connection = &load->all[i];

        if (connection->role == ROLE_SHORT || connection->state != CONNECTION_CLOSED)
            continue;
        connection_open(&load->line, connection);
        if (connection->fd < 0)
            continue;
        connection_set_eager(&load->line, connection, true);
        connection_send(&load->line, connection, MESSAGE);
        batch[count++] = connection;
        if (count == OPEN_BATCH) {
            await(load, batch, count);
            count = 0;
        }
    }
    await(load, batch, count);
    for (size_t i = 0; i < load->count; i++)
        connection_set_eager(&load->line, &load->all[i], false);
}

/* --- What it can be asked for --- */

void load_go(struct load *load)
{
    load->is_going = load->busy > 0;
    load->turn = 0;
    load->first_turn_ns = now_ns();
}

void load_rest(struct load *load)
{
    load->is_going = false;
}

static void await_echoes(struct load *load)
{
    uint64_t deadline_ns = now_ns() + load->options->patience_ns;

    for (size_t i = 0; i < load->count; i++) {
        struct connection *connection = &load->all[i];

        while (connection->state != CONNECTION_CLOSED && connection->role != ROLE_SHORT &&
               !connection_is_settled(connection) && now_ns() < deadline_ns)
            turn(load, deadline_ns);
        if (connection->state == CONNECTION_OPEN && connection->role != ROLE_SHORT &&
            !connection_is_settled(connection))
            connection_give_up(&load->line, connection, FAULT_silent, 0);
    }
}

void load_check(struct load *load)
{
    bool was_going = load->is_going;

    load_rest(load);
    for (size_t i = 0; i < load->count; i++) {
        struct connection *connection = &load->all[i];

        connection_set_eager(&load->line, connection, true);
        if (connection->state == CONNECTION_OPEN && connection->role != ROLE_SHORT)
            connection_send(&load->line, connection, MESSAGE);
    }
    await_echoes(load);
    for (size_t i = 0; i < load->count; i++)
        connection_set_eager(&load->line, &load->all[i], false);
    if (was_going)
        load_go(load);
}

void load_report(struct load *load, const char *command)
{
    unsigned open = 0;

    for (size_t i = 0; i < load->count; i++)
        open += load->all[i].role != ROLE_SHORT && load->all[i].state == CONNECTION_OPEN;
    report_print(&load->report, command, open);
}

/* --- Life --- */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum connection_role role_of(const struct options *options, size_t index)
{
    if (index < options->slow)
        return ROLE_SLOW;
    if (index < options->streams)
        return ROLE_STREAM;
    return index < options->streams + options->shorts ? ROLE_SHORT : ROLE_IDLE;
}

static void watch_input(struct load *load)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (epoll_ctl(load->line.epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        die("standard input must be a pipe or a terminal");
}

struct load *load_new(const struct options *options)
{
    struct load *load = calloc(1, sizeof(*load));

    raise_descriptor_limit();
    if (load == NULL)
        die("memory");
    load->options = options;
    load->random = options->seed * 2 + 1; /* anything but 0 */
    load->count = options->connections + options->shorts;
    load->busy = options->streams + options->shorts;
    load->all = calloc(load->count > 0 ? load->count : 1, sizeof(*load->all));
    if (load->all == NULL)
        die("memory");
    for (size_t i = 0; i < load->count; i++) {
        load->all[i].fd = -1;
        load->all[i].role = role_of(options, i);
        load->all[i].address = (unsigned)(i % options->address_count);
    }
    load->line.options = options;
    load->line.report = &load->report;
    load->line.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->line.epoll_fd < 0)
        die("epoll_create1");
    watch_input(load);
    report_begin(&load->report);
    return load;
}

void load_free(struct load *load)
{
    for (size_t i = 0; i < load->count; i++) {
        if (load->all[i].fd >= 0)
            close(load->all[i].fd);
    }
    close(load->line.epoll_fd);
    report_clear(&load->report);
    free(load->all);
    free(load);
}
