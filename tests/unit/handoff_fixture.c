/* SPDX-License-Identifier: MIT */
#include "handoff_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc.h"

/* --- Memory that is short: calloc() is linked with --wrap --- */

int allocations_left = -1;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return __real_calloc(count, size);
}

/* --- What is told --- */

static void note(struct side *side, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct side *side, const char *format, ...)
{
    size_t length = strlen(side->story);
    va_list arguments;

    if (length > 0)
        side->story[length++] = ' ';
    va_start(arguments, format);
    vsnprintf(side->story + length, sizeof(side->story) - length, format, arguments);
    va_end(arguments);
}

static struct record *keep(struct side *side, struct record *record)
{
    assert_true(side->kept_count < MOST);
    side->kept[side->kept_count] = *record;
    return &side->kept[side->kept_count++];
}

static int on_record(struct record *record, void **connection, void *user)
{
    struct side *side = user;

    if (side->refusal < 0)
        return side->refusal;
    note(side, "record:%u", (unsigned)record->id);
    *connection = keep(side, record);
    return 0;
}

static void on_start(void *connection, void *user)
{
    struct side *side = user;
    struct pollfd poller = {.fd = side->other, .events = POLLIN};

    side->answered = side->other >= 0 && poll(&poller, 1, 0) == 1;
    note(side, "start:%u", (unsigned)((struct record *)connection)->id);
}

static void on_discard(void *connection, void *user)
{
    note(user, "discard:%u", (unsigned)((struct record *)connection)->id);
    record_clear(connection);
}

static size_t room(void *user)
{
    return ((struct side *)user)->room;
}

static void on_room(void *user)
{
    ((struct side *)user)->rooms++;
}

static void on_taken(uint64_t id, void *user)
{
    note(user, "taken:%u", (unsigned)id);
}

static void on_returned(struct record *record, int error, void *user)
{
    note(user, "returned:%u:%d", (unsigned)record->id, -error);
    (void)keep(user, record);
}

static void on_close(struct handoff *handoff, void *user)
{
    struct side *side = user;

    note(side, "close");
    if (!side->free_on_end)
        return;
    handoff_free(handoff);
    side->handoff = NULL;
}

static const struct handoff_events events = {
    .on_record = on_record,
    .on_start = on_start,
    .on_discard = on_discard,
    .room = room,
    .on_room = on_room,
    .on_taken = on_taken,
    .on_returned = on_returned,
    .on_close = on_close,
};

/* --- The side itself --- */

int side_setup(void **state)
{
    struct side *side = calloc(1, sizeof(*side));

    assert_non_null(side);
    side->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    side->other = -1;
    side->room = 1000;
    *state = side;
    return 0;
}

int side_teardown(void **state)
{
    struct side *side = *state;

    handoff_free(side->handoff);
    die(side);
    for (size_t i = 0; i < side->kept_count; i++)
        record_clear(&side->kept[i]);
    ev_loop_destroy(side->ev);
    free(side);
    return 0;
}

static void begin(struct side *side, bool is_giver)
{
    int fds[2];

    assert_int_equal(ipc_pair(fds), 0);
    side->other = fds[1];
    side->handoff = handoff_new(side->ev, fds[0], is_giver, 7, &events, side);
    assert_non_null(side->handoff);
}

void begin_giver(struct side *side)
{
    begin(side, true);
}

void begin_taker(struct side *side)
{
    begin(side, false);
}

void turn(struct side *side)
{
    for (int i = 0; i < 5; i++)
        ev_run(side->ev, EVRUN_NOWAIT);
}

/* --- Records --- */

struct record new_record(uint64_t id, int *client)
{
    struct record record = {
        .id = id,
        .server = "echo",
        .handler = "echo",
        .image = {.local.family = AF_UNIX, .remote.family = AF_UNIX},
    };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    record.image.fd = fds[0];
    *client = fds[1];
    return record;
}

void give(struct side *side, uint64_t first, size_t count, int *clients)
{
    for (size_t i = 0; i < count; i++) {
        struct record record = new_record(first + i, &clients[i]);

        assert_true(handoff_has_room(side->handoff, 1));
        handoff_give(side->handoff, &record);
    }
    handoff_flush(side->handoff);
}

/* --- What the other worker does --- */

void answer(struct side *side, uint32_t sequence, size_t count, int status)
{
    struct wire_answer answer = {.sequence = sequence, .room = 1000, .count = count};

    memset(answer.status, -status, count);
    assert_int_equal(wire_send_answer(side->other, &answer), 0);
}

void tell(struct side *side, size_t room)
{
    struct wire_answer answer = {.room = (uint32_t)room};

    assert_int_equal(wire_send_answer(side->other, &answer), 0);
    turn(side);
}

void swallow(struct side *side, uint32_t sequence, size_t count)
{
    struct wire_batch batch;

    assert_int_equal(wire_receive_batch(side->other, &batch), 1);
    assert_int_equal(batch.sequence, sequence);
    assert_int_equal(batch.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(batch.damage[i], 0);
        record_clear(&batch.records[i]);
    }
}

void send_batch(struct side *side, uint32_t sequence, size_t count, int *clients)
{
    struct wire_batch batch = {.sequence = sequence, .count = count};

    for (size_t i = 0; i < count; i++)
        batch.records[i] = new_record(sequence * 100 + i, &clients[i]);
    assert_int_equal(wire_send_batch(side->other, &batch), 0);
    for (size_t i = 0; i < count; i++)
        record_clear(&batch.records[i]);
}

void die(struct side *side)
{
    if (side->other >= 0)
        close(side->other);
    side->other = -1;
}

bool is_alive(int client)
{
    char byte;

    return send(client, "x", 1, MSG_NOSIGNAL) == 1 &&
           recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

void close_all(int *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(clients[i]);
}

/* ipc_pair() makes the two one after the other. */
int handoff_fd_of(const struct side *side)
{
    return dup(side->other - 1);
}
