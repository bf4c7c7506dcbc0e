/* SPDX-License-Identifier: MIT
 *
 * A connection in company: a client, an upstream and the two ends of a kernel pipe go from one loop
 * to another as one record, or stay together.
 */
#include "companions.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <prong/loop.h>
#include <prong/pipe.h>
#include <prongd/handler.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "handoff_fixture.h"

/* --- A handler: what it keeps of its one connection --- */

static struct {
    struct prong_socket *upstream;
    int pipe[2];
    size_t claims; /* how many it says there are; 0: all three */
    int refusal;   /* what adopt answers */
    unsigned adopted;
} held;

static size_t list_companions(struct prong_socket *socket, struct prongd_companion *list)
{
    (void)socket;
    list[0] = (struct prongd_companion){.socket = held.upstream};
    list[1] = (struct prongd_companion){.fd = held.pipe[0]};
    list[2] = (struct prongd_companion){.fd = held.pipe[1]};
    return held.claims > 0 ? held.claims : 3;
}

static int adopt(struct prong_socket *socket, const struct prongd_companion *list, size_t count)
{
    int error = 0;

    if (held.refusal < 0)
        return held.refusal;
    assert_int_equal(count, 3);
    assert_null(list[1].socket);
    held.upstream = list[0].socket;
    held.pipe[0] = list[1].fd;
    held.pipe[1] = list[2].fd;
    held.adopted++;
    error = prong_pipe(socket, held.upstream);
    return error < 0 ? error : prong_pipe(held.upstream, socket);
}

static const struct prongd_handler relay = {.companions = list_companions, .adopt = adopt};
static const struct prongd_handler alone = {0};

/* --- Two loops, and who is at the far ends --- */

struct world {
    unsigned descriptors; /* before all */
    struct ev_loop *ev[2];
    struct prong_loop *loops[2];
    struct prong_socket *client;
    int client_peer, upstream_peer;
    struct record record;
};

static struct prong_socket *new_socket(struct prong_loop *loop, int *peer)
{
    struct record record = new_record(1, peer);
    struct prong_socket *socket;

    record.image.allow_half_open = true;
    socket = prong_socket_attach(loop, NULL, &record.image, 0, NULL, NULL);
    assert_non_null(socket);
    prong_socket_start(socket);
    return socket;
}

static int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    memset(&held, 0, sizeof(held));
    world->descriptors = open_descriptors();
    for (int i = 0; i < 2; i++) {
        world->ev[i] = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
        world->loops[i] = prong_loop_new(world->ev[i]);
    }
    world->record = (struct record){.server = "relay", .handler = "relay", .image = {.fd = -1}};
    world->client = new_socket(world->loops[0], &world->client_peer);
    held.upstream = new_socket(world->loops[0], &world->upstream_peer);
    assert_int_equal(pipe2(held.pipe, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(prong_pipe(world->client, held.upstream), 0);
    assert_int_equal(prong_pipe(held.upstream, world->client), 0);
    *state = world;
    return 0;
}

static void run(const struct world *world)
{
    for (int turn = 0; turn < 10; turn++) {
        ev_run(world->ev[0], EVRUN_NOWAIT);
        ev_run(world->ev[1], EVRUN_NOWAIT);
    }
}

static int world_teardown(void **state)
{
    struct world *world = *state;

    record_clear(&world->record);
    if (world->client != NULL)
        prong_socket_destroy(world->client, 0);
    if (held.upstream != NULL)
        prong_socket_destroy(held.upstream, 0);
    run(world);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(prong_loop_free(world->loops[i]), 0);
        ev_loop_destroy(world->ev[i]);
        if (held.pipe[i] >= 0)
            close(held.pipe[i]);
    }
    close(world->client_peer);
    close(world->upstream_peer);
    assert_int_equal(open_descriptors(), world->descriptors);
    free(world);
    return 0;
}

static int leave(struct world *world)
{
    int error = companions_leave(&relay, world->client, &world->record);

    if (error == 0) {
        world->client = held.upstream = NULL;
        held.pipe[0] = held.pipe[1] = -1;
    }
    return error;
}

static int arrive(struct world *world, const struct prongd_handler *handler)
{
    struct prong_socket *socket =
        prong_socket_attach(world->loops[1], NULL, &world->record.image, 0, NULL, NULL);
    int error;

    assert_non_null(socket);
    error = companions_arrive(handler, socket, &world->record);
    if (error < 0)
        assert_int_equal(prong_socket_detach(socket, &world->record.image), 0);
    else
        world->client = socket;
    return error;
}

static void start(const struct world *world)
{
    prong_socket_start(world->client);
    companions_start(&relay, world->client);
}

static void assert_arrives(const struct world *world, int from, int to, const char *text)
{
    char bytes[64];

    assert_int_equal(send(from, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    run(world);
    assert_int_equal(recv(to, bytes, sizeof(bytes), MSG_DONTWAIT), strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static void assert_relays(const struct world *world)
{
    assert_arrives(world, world->client_peer, world->upstream_peer, "ask");
    assert_arrives(world, world->upstream_peer, world->client_peer, "answer");
}

/* --- Tests --- */

static void a_pair_goes_as_one_with_all_that_is_in_its_pipes(void **state)
{
    struct world *world = *state;
    char byte = 0;

    assert_relays(world);
    assert_int_equal(companions_descriptors(&relay, world->client), 4);
    assert_int_equal(write(held.pipe[1], "x", 1), 1);
    assert_int_equal(leave(world), 0);
    assert_int_equal(prong_loop_objects(world->loops[0]), 0);
    assert_int_equal(arrive(world, &relay), 0);
    assert_int_equal(world->record.companion_count, 0);
    assert_int_equal(read(held.pipe[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    start(world);
    assert_relays(world);
}

static void nothing_is_read_before_the_start(void **state)
{
    struct world *world = *state;
    char bytes[8];

    assert_int_equal(leave(world), 0);
    assert_int_equal(send(world->upstream_peer, "early", 5, MSG_NOSIGNAL), 5);
    assert_int_equal(arrive(world, &relay), 0);
    run(world);
    assert_int_equal(recv(world->client_peer, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    start(world);
    run(world);
    assert_int_equal(recv(world->client_peer, bytes, sizeof(bytes), MSG_DONTWAIT), 5);
}

static void one_that_cannot_leave_keeps_them_all(void **state)
{
    struct world *world = *state;
    struct prong_socket *upstream = held.upstream;

    held.upstream = prong_socket_new(world->loops[0], NULL, NULL, NULL); /* not connected */
    assert_int_equal(leave(world), -ENOTCONN);
    assert_int_equal(world->record.image.fd, -1);
    prong_socket_destroy(held.upstream, 0);
    held.upstream = upstream;
    record_clear(&world->record);
    assert_relays(world);
}

static void more_than_a_record_has_room_for_stay(void **state)
{
    struct world *world = *state;

    held.claims = PRONGD_COMPANIONS_MAX + 1;
    assert_int_equal(leave(world), -E2BIG);
    held.claims = 0;
    assert_relays(world);
}

/* What a giver does when its taker has refused: the same way in again. */
static void what_was_refused_comes_back_whole(void **state)
{
    struct world *world = *state;

    assert_int_equal(leave(world), 0);
    held.refusal = -EPROTO;
    assert_int_equal(arrive(world, &relay), -EPROTO);
    assert_int_equal(world->record.companion_count, 3);
    held.refusal = 0;
    assert_int_equal(arrive(world, &relay), 0);
    start(world);
    assert_relays(world);
}

static void a_handler_that_knows_of_none_gets_none(void **state)
{
    struct world *world = *state;

    assert_int_equal(leave(world), 0);
    assert_int_equal(arrive(world, &alone), -ENOTSUP);
    assert_int_equal(held.adopted, 0);
    assert_int_equal(world->record.companion_count, 3);
    assert_true(is_alive(world->client_peer));
    assert_true(is_alive(world->upstream_peer));
}

/* Clearing a copy is close() alone: the other worker's connection lives on. */
static void a_pair_survives_as_bytes(void **state)
{
    struct world *world = *state;
    struct record copy;
    int fds[RECORD_FDS_MAX];
    size_t size, count;
    uint8_t *bytes;

    assert_int_equal(leave(world), 0);
    count = record_fds(&world->record, fds);
    assert_int_equal(count, 4);
    bytes = record_encode(&world->record, &size);
    for (size_t i = 0; i < count; i++)
        fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
    for (size_t length = 0; length < size; length++) {
        const struct record_bytes cut = {bytes, length, fds, count};

        assert_int_equal(record_decode(&copy, &cut), -EPROTO);
    }
    for (size_t less = 0; less < count; less++) {
        const struct record_bytes lost = {bytes, size, fds, less};

        assert_int_equal(record_decode(&copy, &lost), -EPROTO);
    }
    assert_int_equal(record_decode(&copy, &(struct record_bytes){bytes, size, fds, count}), 0);
    free(bytes);
    record_clear(&world->record);
    world->record = copy;
    assert_int_equal(arrive(world, &relay), 0);
    start(world);
    assert_relays(world);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(a_pair_goes_as_one_with_all_that_is_in_its_pipes),
        WORLD(nothing_is_read_before_the_start),
        WORLD(one_that_cannot_leave_keeps_them_all),
        WORLD(more_than_a_record_has_room_for_stay),
        WORLD(what_was_refused_comes_back_whole),
        WORLD(a_handler_that_knows_of_none_gets_none),
        WORLD(a_pair_survives_as_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
