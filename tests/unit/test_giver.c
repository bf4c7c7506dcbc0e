/* SPDX-License-Identifier: MIT
 *
 * Who has a connection, whatever the giver of a handoff lives to see.
 */
#include "handoff_fixture.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void nothing_is_given_before_the_taker_has_told_of_room(void **state)
{
    struct side *side = *state;

    begin_giver(side);
    assert_false(handoff_has_room(side->handoff, 1));
    tell(side, 5);
    assert_true(handoff_has_room(side->handoff, 5));
    assert_false(handoff_has_room(side->handoff, 6));
    tell(side, 0);
    assert_false(handoff_has_room(side->handoff, 1));
}

static void no_more_is_under_way_than_a_window(void **state)
{
    struct side *side = *state;
    int clients[64];

    begin_giver(side);
    tell(side, 100000);
    give(side, 1, 64, clients);
    assert_false(handoff_has_room(side->handoff, 1));
    close_all(clients, 64);
}

/* Without that, who waits to give would wait until it looks again by itself. */
static void who_waits_is_told_that_there_is_room_now(void **state)
{
    struct side *side = *state;
    int client;

    begin_giver(side);
    assert_int_equal(side->rooms, 0);
    tell(side, 5);
    assert_int_equal(side->rooms, 1);
    give(side, 1, 1, &client);
    answer(side, 1, 1, 0);
    turn(side);
    assert_int_equal(side->rooms, 1); /* on_taken has told that */
    close(client);
}

static void what_is_under_way_counts_as_if_it_had_arrived(void **state)
{
    struct side *side = *state;
    int clients[4];

    begin_giver(side);
    tell(side, 4);
    give(side, 1, 4, clients);
    assert_false(handoff_has_room(side->handoff, 1));
    assert_int_equal(handoff_pending(side->handoff), 4);
    answer(side, 1, 4, 0);
    turn(side);
    assert_int_equal(handoff_pending(side->handoff), 0);
    assert_true(handoff_has_room(side->handoff, 1));
    close_all(clients, 4);
}

/* shutdown() would end the connection for the other worker, too. */
static void what_was_taken_is_closed_and_never_shut_down(void **state)
{
    struct side *side = *state;
    struct wire_batch batch;
    int client;

    begin_giver(side);
    tell(side, 10);
    give(side, 1, 1, &client);
    assert_int_equal(wire_receive_batch(side->other, &batch), 1);
    answer(side, 1, 1, 0);
    turn(side);
    assert_string_equal(side->story, "taken:1");
    assert_true(is_alive(client));
    record_clear(&batch.records[0]);
    assert_false(is_alive(client)); /* there was no other copy left */
    close(client);
}

static void what_was_refused_comes_back_with_the_reason(void **state)
{
    struct side *side = *state;
    int client;

    begin_giver(side);
    tell(side, 10);
    give(side, 1, 1, &client);
    swallow(side, 1, 1);
    answer(side, 1, 1, -EPROTO);
    turn(side);
    assert_string_equal(side->story, "returned:1:71");
    assert_true(is_alive(client));
    close(client);
}

static void a_taker_that_dies_before_its_answer_gives_all_back(void **state)
{
    struct side *side = *state;
    int clients[3];

    begin_giver(side);
    tell(side, 10);
    give(side, 1, 2, clients);
    give(side, 3, 1, clients + 2);
    die(side);
    turn(side);
    assert_string_equal(side->story, "returned:1:32 returned:2:32 returned:3:32 close");
    for (size_t i = 0; i < 3; i++)
        assert_true(is_alive(clients[i]));
    assert_false(handoff_has_room(side->handoff, 1));
    close_all(clients, 3);
}

/* With batches unread, the kernel reports the reset first, and then what the dead had said. */
static void answers_that_a_dead_taker_left_are_heard_first(void **state)
{
    struct side *side = *state;
    int clients[4];

    begin_giver(side);
    tell(side, 10);
    give(side, 1, 1, clients);
    give(side, 2, 1, clients + 1);
    give(side, 3, 2, clients + 2);
    swallow(side, 1, 1);
    swallow(side, 2, 1);
    answer(side, 1, 1, 0);
    answer(side, 2, 1, -ENOENT);
    die(side);
    turn(side);
    assert_string_equal(side->story, "taken:1 returned:2:2 returned:3:32 returned:4:32 close");
    assert_false(is_alive(clients[0])); /* it died with its taker */
    assert_true(is_alive(clients[3]));
    close_all(clients, 4);
}

static void what_a_living_taker_was_sent_is_not_taken_back(void **state)
{
    struct side *side = *state;
    struct wire_batch batch;
    int clients[2];

    begin_giver(side);
    side->free_on_end = true;
    tell(side, 10);
    give(side, 1, 1, clients);
    assert_int_equal(wire_receive_batch(side->other, &batch), 1);
    answer(side, 99, 1, 0); /* to a batch that there never was */
    turn(side);
    assert_string_equal(side->story, "close");
    assert_true(is_alive(clients[0]));
    record_clear(&batch.records[0]);
    assert_false(is_alive(clients[0]));
    close(clients[0]);
}

static void an_answer_of_another_version_ends_the_channel(void **state)
{
    struct side *side = *state;
    const char nonsense[] = "what a program of another version says";

    begin_giver(side);
    assert_int_equal(send(side->other, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
    turn(side);
    assert_string_equal(side->story, "close");
    assert_false(handoff_has_room(side->handoff, 1));
}

static bool has_arrived(const struct side *side)
{
    return recv(side->other, &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

/* Four batches of such records are too much for a pair of this size. */
static void a_full_pair_is_waited_for_and_the_order_kept(void **state)
{
    struct side *side = *state;
    const int size = 150000;
    int clients[64], waited = 0, fd;

    begin_giver(side);
    fd = handoff_fd_of(side);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    close(fd);
    tell(side, 1000);
    for (unsigned i = 0; i < 64; i++) {
        struct record record = new_record(i, &clients[i]);

        record.state = calloc(1, 7000);
        record.state_size = 7000;
        handoff_give(side->handoff, &record);
    }
    for (uint32_t sequence = 1; sequence <= 4; sequence++) {
        if (!has_arrived(side)) {
            waited++;
            turn(side);
        }
        swallow(side, sequence, 16);
    }
    assert_true(waited > 0);
    assert_string_equal(side->story, "");
    close_all(clients, 64);
}

static void a_record_that_is_too_large_stays_and_the_others_go(void **state)
{
    struct side *side = *state;
    struct record record;
    int clients[3];

    begin_giver(side);
    tell(side, 10);
    record = new_record(1, &clients[0]);
    record.image.unsent_size = (size_t)WIRE_RECORD_MAX;
    handoff_give(side->handoff, &record);
    assert_string_equal(side->story, "returned:1:90");
    handoff_flush(side->handoff); /* of nothing */
    give(side, 2, 2, clients + 1);
    swallow(side, 1, 2);
    assert_int_equal(handoff_pending(side->handoff), 2);
    close_all(clients, 3);
}

static void a_record_for_which_there_is_no_memfd_comes_back(void **state)
{
    struct side *side = *state;
    struct rlimit old, low;
    struct record record;
    int client;

    begin_giver(side);
    tell(side, 10);
    record = new_record(1, &client);
    record.state = calloc(1, 100000);
    record.state_size = 100000;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    handoff_give(side->handoff, &record);
    handoff_flush(side->handoff);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_string_equal(side->story, "returned:1:24");
    assert_int_equal(handoff_pending(side->handoff), 0);
    assert_true(is_alive(client));
    close(client);
}

static void a_record_without_memory_for_its_copy_comes_back(void **state)
{
    struct side *side = *state;
    struct record record;
    int client;

    begin_giver(side);
    tell(side, 10);
    record = new_record(1, &client);
    allocations_left = 0;
    handoff_give(side->handoff, &record);
    allocations_left = -1;
    assert_string_equal(side->story, "returned:1:12");
    assert_int_equal(handoff_pending(side->handoff), 0);
    close(client);
}

static void a_giver_that_goes_leaves_what_it_sent_to_the_taker(void **state)
{
    struct side *side = *state;
    struct record record;
    struct wire_batch batch;
    int clients[2];

    begin_giver(side);
    tell(side, 10);
    give(side, 1, 1, clients);
    record = new_record(2, &clients[1]);
    handoff_give(side->handoff, &record);
    handoff_free(side->handoff);
    side->handoff = NULL;
    assert_string_equal(side->story, "returned:2:32");
    assert_int_equal(wire_receive_batch(side->other, &batch), 1);
    assert_true(is_alive(clients[0]));
    record_clear(&batch.records[0]);
    assert_int_equal(wire_receive_batch(side->other, &batch), 0);
    close_all(clients, 2);
}

static void no_descriptor_is_left_behind(void **state)
{
    struct side *side = *state;
    unsigned before = open_descriptors();
    int clients[20];

    begin_giver(side);
    tell(side, 100);
    give(side, 1, 20, clients);
    handoff_free(side->handoff);
    side->handoff = NULL;
    die(side);
    close_all(clients, 20);
    assert_int_equal(open_descriptors(), before);
    handoff_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE(nothing_is_given_before_the_taker_has_told_of_room),
        SIDE(who_waits_is_told_that_there_is_room_now),
        SIDE(no_more_is_under_way_than_a_window),
        SIDE(what_is_under_way_counts_as_if_it_had_arrived),
        SIDE(what_was_taken_is_closed_and_never_shut_down),
        SIDE(what_was_refused_comes_back_with_the_reason),
        SIDE(a_taker_that_dies_before_its_answer_gives_all_back),
        SIDE(answers_that_a_dead_taker_left_are_heard_first),
        SIDE(what_a_living_taker_was_sent_is_not_taken_back),
        SIDE(an_answer_of_another_version_ends_the_channel),
        SIDE(a_full_pair_is_waited_for_and_the_order_kept),
        SIDE(a_record_that_is_too_large_stays_and_the_others_go),
        SIDE(a_record_for_which_there_is_no_memfd_comes_back),
        SIDE(a_record_without_memory_for_its_copy_comes_back),
        SIDE(a_giver_that_goes_leaves_what_it_sent_to_the_taker),
        SIDE(no_descriptor_is_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
