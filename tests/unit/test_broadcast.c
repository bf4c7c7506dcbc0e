/* SPDX-License-Identifier: MIT
 *
 * What a worker's connections hear: those that stay, that come, that move on, and that close.
 */
#include "broadcast_fixture.h"

#include <prong/socket.h>
#include <unistd.h>

#include "ring_layout.h"

static void spoil_last(uint64_t value)
{
    assert_int_equal(
        pwrite(world.ring_fd, &value, sizeof(value), offsetof(struct ring_header, last)),
        sizeof(value));
}

static void a_newcomer_hears_what_is_said_after_it_came(void **state)
{
    struct prong_socket *first = connects(), *second;

    (void)state;
    says("old");
    says("older");
    second = connects(); /* the worker has heard neither */
    says("new");
    hear_all();
    assert_string_equal(heard_by(first)->story, "old older new ");
    assert_string_equal(heard_by(second)->story, "new ");
}

static void who_arrives_goes_on_where_it_was(void **state)
{
    struct prong_socket *there, *behind, *ahead;

    (void)state;
    there = connects();
    says("one");
    says("two");
    hear_all();
    behind = arrives(1);
    says("three");
    ahead = arrives(3);
    starts(behind);
    starts(ahead); /* it is passed over with "three" */
    says("four");
    hear_all();
    assert_string_equal(heard_by(there)->story, "one two three four ");
    assert_string_equal(heard_by(behind)->story, "two three four ");
    assert_string_equal(heard_by(ahead)->story, "four ");
}

/* Every message is heard or counted as lost, wherever it stood when the ring went around. */
static void who_moves_while_the_ring_goes_around_misses_nothing_unsaid(void **state)
{
    static const char bytes[LONGEST];
    uint64_t positions[] = {0, 1, 4, 5, 6, 9, 10};
    struct prong_socket *sockets[sizeof(positions) / sizeof(positions[0])];

    (void)state;
    for (int i = 0; i < 5; i++)
        says("small");
    hear_all(); /* the worker stands at 5 */
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        sockets[i] = arrives(positions[i]);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ring_publish(world.other, bytes, sizeof(bytes)), 0);
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        starts(sockets[i]);
    assert_int_equal(ring_publish(world.other, bytes, sizeof(bytes)), 0);
    hear_all();
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        const struct heard *heard = heard_by(sockets[i]);

        assert_int_equal(positions[i] + heard->lost + heard->messages, 11);
    }
    assert_true(heard_by(sockets[0])->lost > 0);
    assert_int_equal(heard_by(sockets[6])->messages, 1);
}

static struct broadcast_place leaves(struct prong_socket *socket)
{
    struct broadcast_place place = broadcast_place(&world.service, socket);

    broadcast_leave(&world.service, socket);
    prong_socket_destroy(socket, 0);
    return place;
}

static void who_came_ahead_of_its_worker_moves_on_from_there(void **state)
{
    struct prong_socket *newcomer, *traveller, *again;

    (void)state;
    connects();
    says("one");
    says("two");
    newcomer = connects();
    traveller = arrives(1);
    starts(traveller);
    assert_int_equal(leaves(newcomer).position, 2);
    assert_int_equal(leaves(traveller).position, 1);
    again = arrives(2);
    starts(again);
    says("three");
    hear_all();
    assert_string_equal(heard_by(again)->story, "three gone gone ");
    assert_int_equal(leaves(again).position, ring_last(world.other));
}

static void who_closes_ahead_of_its_worker_is_forgotten(void **state)
{
    struct prong_socket *first = connects(), *newcomer;

    (void)state;
    says("one");
    newcomer = connects();
    broadcast_forget(&world.service, newcomer); /* as connection_close() does */
    prong_socket_destroy(newcomer, 0);
    hear_all();
    assert_string_equal(heard_by(newcomer)->story, "");
    assert_string_equal(heard_by(first)->story, "one gone ");
}

/* A wild pointer says that there are many messages, and another one that there are none. */
static void who_came_while_the_memory_was_spoiled_hears_again(void **state)
{
    struct prong_socket *newcomer;

    (void)state;
    connects();
    says("one");
    spoil_last(UINT64_C(1) << 60);
    newcomer = connects();
    spoil_last(2);
    hear_all();
    says("three");
    hear_all();
    assert_string_equal(heard_by(newcomer)->story, "three ");
}

static const struct CMUnitTest tests[] = {
    WORLD(a_newcomer_hears_what_is_said_after_it_came),
    WORLD(who_arrives_goes_on_where_it_was),
    WORLD(who_moves_while_the_ring_goes_around_misses_nothing_unsaid),
    WORLD(who_came_ahead_of_its_worker_moves_on_from_there),
    WORLD(who_closes_ahead_of_its_worker_is_forgotten),
    WORLD(who_came_while_the_memory_was_spoiled_hears_again),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
