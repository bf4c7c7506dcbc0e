/* SPDX-License-Identifier: MIT
 *
 * Who has a connection, whatever the taker of a handoff lives to see.
 */
#include "handoff_fixture.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* So that the next answer finds no room.  How many were sent. */
static unsigned fill_with_answers(int fd)
{
    const struct wire_answer answer = {.room = 1};
    unsigned count = 0;

    while (wire_send_answer(fd, &answer) == 0)
        count++;
    return count;
}

static void a_taker_begins_with_its_room(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;

    side->room = 123;
    begin_taker(side);
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.room, 123);
}

static void more_room_is_told_without_being_asked(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;

    side->room = 0;
    begin_taker(side);
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(answer.room, 0);
    side->room = 10;
    while (wire_receive_answer(side->other, &answer) == -EAGAIN)
        ev_run(side->ev, EVRUN_ONCE);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.room, 10);
}

static void the_answer_is_in_the_pair_when_a_connection_starts(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;
    int clients[2];

    begin_taker(side);
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    send_batch(side, 1, 2, clients);
    turn(side);
    assert_string_equal(side->story, "record:100 record:101 start:100 start:101");
    assert_true(side->answered);
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(answer.sequence, 1);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.status[0] | answer.status[1], 0);
    close_all(clients, 2);
}

static void nothing_starts_before_its_answer_is_sent(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;
    unsigned count;
    int client, fd;

    begin_taker(side);
    fd = handoff_fd_of(side);
    count = fill_with_answers(fd);
    send_batch(side, 1, 1, &client);
    turn(side);
    assert_string_equal(side->story, "record:100");
    while (count-- > 0)
        assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(wire_receive_answer(side->other, &answer), 1); /* the greeting */
    turn(side);
    assert_string_equal(side->story, "record:100 start:100");
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(answer.sequence, 1);
    close(client);
    close(fd);
}

static void what_a_dead_giver_had_sent_lives_on(void **state)
{
    struct side *side = *state;
    int clients[2];

    begin_taker(side);
    send_batch(side, 1, 1, clients);
    send_batch(side, 2, 1, clients + 1);
    die(side);
    turn(side);
    assert_string_equal(side->story, "record:100 record:200 start:100 start:200 close");
    assert_true(is_alive(clients[0]) && is_alive(clients[1]));
    close_all(clients, 2);
}

static void what_a_living_giver_does_not_know_of_is_discarded(void **state)
{
    struct side *side = *state;
    int client, fd;

    begin_taker(side);
    side->free_on_end = true;
    fd = handoff_fd_of(side);
    (void)fill_with_answers(fd);
    send_batch(side, 1, 1, &client);
    turn(side);
    assert_int_equal(send(side->other, "nonsense", 8, 0), 8);
    turn(side);
    assert_string_equal(side->story, "record:100 discard:100 close");
    close(client);
    close(fd);
}

static void without_memory_for_a_batch_the_giver_keeps_it(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;
    int client;

    begin_taker(side);
    side->free_on_end = true;
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    send_batch(side, 1, 1, &client);
    allocations_left = 0;
    turn(side);
    allocations_left = -1;
    assert_string_equal(side->story, "close");
    assert_int_equal(wire_receive_answer(side->other, &answer), 0);
    close(client);
}

static void a_connection_that_is_refused_is_answered_with_the_reason(void **state)
{
    struct side *side = *state;
    struct wire_answer answer;
    int client;

    begin_taker(side);
    side->refusal = -ENOTSUP;
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    send_batch(side, 1, 1, &client);
    turn(side);
    assert_string_equal(side->story, "");
    assert_int_equal(wire_receive_answer(side->other, &answer), 1);
    assert_int_equal(answer.status[0], ENOTSUP);
    close(client);
}

static void a_taker_that_goes_discards_what_it_did_not_answer(void **state)
{
    struct side *side = *state;
    int client, fd;

    begin_taker(side);
    fd = handoff_fd_of(side);
    (void)fill_with_answers(fd);
    send_batch(side, 1, 1, &client);
    turn(side);
    handoff_free(side->handoff);
    side->handoff = NULL;
    assert_string_equal(side->story, "record:100 discard:100");
    close(client);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE(a_taker_begins_with_its_room),
        SIDE(more_room_is_told_without_being_asked),
        SIDE(the_answer_is_in_the_pair_when_a_connection_starts),
        SIDE(nothing_starts_before_its_answer_is_sent),
        SIDE(what_a_dead_giver_had_sent_lives_on),
        SIDE(what_a_living_giver_does_not_know_of_is_discarded),
        SIDE(without_memory_for_a_batch_the_giver_keeps_it),
        SIDE(a_connection_that_is_refused_is_answered_with_the_reason),
        SIDE(a_taker_that_goes_discards_what_it_did_not_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
