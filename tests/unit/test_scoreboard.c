/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: room for generations, what other processes see, and damaged headers.
 */
#include "scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scoreboard_layout.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int open_board(void **state)
{
    *state = scoreboard_new();
    return *state == NULL ? -1 : 0;
}

static int close_board(void **state)
{
    scoreboard_free(*state);
    return 0;
}

static off_t file_size(const struct scoreboard *board)
{
    struct stat status;

    assert_int_equal(fstat(scoreboard_fd(board), &status), 0);
    return status.st_size;
}

static void a_new_board_is_empty(void **state)
{
    struct scoreboard_entry entries[SCOREBOARD_MAX_GENERATIONS];

    assert_int_equal(scoreboard_generations(*state, entries), 0);
    assert_null(scoreboard_worker(*state, 0, 0));
    assert_null(scoreboard_server(*state, 0, 0, 0));
}

static void a_generation_has_a_zeroed_cell_for_each_worker_and_server(void **state)
{
    assert_int_equal(scoreboard_add(*state, 1, 3, 2), 0);
    for (unsigned slot = 0; slot < 3; slot++) {
        assert_int_equal(scoreboard_worker(*state, 1, slot)->state, SLOT_EMPTY);
        for (unsigned server = 0; server < 2; server++)
            assert_int_equal(scoreboard_server(*state, 1, slot, server)->accepted, 0);
    }
    assert_null(scoreboard_worker(*state, 1, 3));
    assert_null(scoreboard_server(*state, 1, 3, 0));
    assert_null(scoreboard_server(*state, 1, 0, 2));
    assert_null(scoreboard_worker(*state, 2, 0));
}

static void cells_are_aligned_and_apart(void **state)
{
    assert_int_equal(scoreboard_add(*state, 1, 2, 2), 0);
    for (unsigned slot = 0; slot < 2; slot++) {
        scoreboard_worker(*state, 1, slot)->turns = 100 + slot;
        for (unsigned server = 0; server < 2; server++)
            scoreboard_server(*state, 1, slot, server)->accepted = 10 * slot + server;
    }
    for (unsigned slot = 0; slot < 2; slot++) {
        struct scoreboard_worker *worker = scoreboard_worker(*state, 1, slot);

        assert_int_equal((uintptr_t)worker % SCOREBOARD_CELL_SIZE, 0);
        assert_int_equal(worker->turns, 100 + slot);
        for (unsigned server = 0; server < 2; server++)
            assert_int_equal(scoreboard_server(*state, 1, slot, server)->accepted,
                             10 * slot + server);
    }
}

static void the_cells_of_one_server_are_adjacent(void **state)
{
    assert_int_equal(scoreboard_add(*state, 1, 4, 3), 0);
    for (unsigned server = 0; server < 3; server++)
        for (unsigned slot = 0; slot < 4; slot++)
            assert_ptr_equal(scoreboard_server(*state, 1, 0, server) + slot,
                             scoreboard_server(*state, 1, slot, server));
}

static void generations_are_listed_oldest_first(void **state)
{
    struct scoreboard_entry entries[SCOREBOARD_MAX_GENERATIONS];

    assert_int_equal(scoreboard_add(*state, 7, 1, 0), 0);
    assert_int_equal(scoreboard_add(*state, 3, 2, 5), 0);
    assert_int_equal(scoreboard_add(*state, 5, 1, 1), 0);
    assert_int_equal(scoreboard_generations(*state, entries), 3);
    assert_int_equal(entries[0].generation, 3);
    assert_int_equal(entries[0].workers, 2);
    assert_int_equal(entries[0].servers, 5);
    assert_int_equal(entries[1].generation, 5);
    assert_int_equal(entries[2].generation, 7);
}

static void what_cannot_be_added_is_refused(void **state)
{
    assert_int_equal(scoreboard_add(*state, 1, 1, 1), 0);
    assert_int_equal(scoreboard_add(*state, 1, 1, 1), -EEXIST);
    assert_int_equal(scoreboard_add(*state, 2, 0, 1), -EINVAL);
    assert_int_equal(scoreboard_add(*state, 2, 1000000, 1), -ENOMEM);
    assert_int_equal(scoreboard_add(*state, 2, UINT32_MAX, UINT32_MAX), -ENOMEM);
    for (unsigned i = 2; i <= SCOREBOARD_MAX_GENERATIONS; i++)
        assert_int_equal(scoreboard_add(*state, i, 1, 1), 0);
    assert_int_equal(scoreboard_add(*state, 99, 1, 1), -ENOSPC);
    assert_int_equal(scoreboard_remove(*state, 98), -ENOENT);
}

static void room_is_used_again_and_zeroed(void **state)
{
    off_t size;

    assert_int_equal(scoreboard_add(*state, 1, 4, 4), 0);
    assert_int_equal(scoreboard_add(*state, 2, 4, 4), 0);
    size = file_size(*state);
    for (uint64_t generation = 3; generation < 100; generation++) {
        scoreboard_server(*state, generation - 2, 3, 3)->accepted = 77;
        assert_int_equal(scoreboard_remove(*state, generation - 2), 0);
        assert_null(scoreboard_worker(*state, generation - 2, 0));
        assert_int_equal(scoreboard_add(*state, generation, 4, 4), 0);
        assert_int_equal(scoreboard_server(*state, generation, 3, 3)->accepted, 0);
    }
    assert_int_equal(file_size(*state), size);
}

static void a_larger_generation_does_not_overlap_its_neighbours(void **state)
{
    assert_int_equal(scoreboard_add(*state, 1, 2, 1), 0);
    assert_int_equal(scoreboard_add(*state, 2, 2, 1), 0);
    assert_int_equal(scoreboard_remove(*state, 1), 0);
    scoreboard_worker(*state, 2, 0)->turns = 5;
    assert_int_equal(scoreboard_add(*state, 3, 2, 2), 0);
    assert_true(scoreboard_worker(*state, 3, 0) > scoreboard_worker(*state, 2, 0));
    assert_int_equal(scoreboard_worker(*state, 2, 0)->turns, 5);
    assert_int_equal(scoreboard_add(*state, 4, 1, 0), 0);
    assert_true(scoreboard_worker(*state, 4, 0) < scoreboard_worker(*state, 2, 0));
}

static void clearing_a_slot_zeroes_gauges_and_keeps_sums(void **state)
{
    struct scoreboard_worker *worker;
    struct scoreboard_server *server;

    assert_int_equal(scoreboard_add(*state, 1, 2, 2), 0);
    worker = scoreboard_worker(*state, 1, 1);
    *worker = (struct scoreboard_worker){
        .state = SLOT_READY, .pid = 5, .heartbeat_ms = 6, .turns = 7, .last_connection = 8};
    for (unsigned i = 0; i < 2; i++) {
        server = scoreboard_server(*state, 1, 1, i);
        server->connections = 3;
        server->accepted = 4;
        server->is_closed = 1;
        scoreboard_server(*state, 1, 0, i)->connections = 9;
    }
    scoreboard_clear_slot(*state, 1, 1);
    assert_int_equal(worker->pid, 0);
    assert_int_equal(worker->heartbeat_ms, 0);
    assert_int_equal(worker->state, SLOT_READY);
    assert_int_equal(worker->turns, 7);
    assert_int_equal(worker->last_connection, 8);
    for (unsigned i = 0; i < 2; i++) {
        server = scoreboard_server(*state, 1, 1, i);
        assert_int_equal(server->connections, 0);
        assert_int_equal(server->is_closed, 0);
        assert_int_equal(server->accepted, 4);
        assert_int_equal(scoreboard_server(*state, 1, 0, i)->connections, 9);
    }
    scoreboard_clear_slot(*state, 1, 2);
    scoreboard_clear_slot(*state, 2, 0);
}

/* The child mapped the board before generation 2 existed. */
static int child_writes(struct scoreboard *board, int start, int done)
{
    struct scoreboard_server *cell;
    char byte;

    if (read(start, &byte, 1) != 1)
        return 1;
    cell = scoreboard_server(board, 2, 63, 99);
    if (cell == NULL)
        return 2;
    cell->accepted = 4711;
    return write(done, "!", 1) == 1 ? 0 : 3;
}

static void a_process_that_mapped_early_sees_what_is_added_later(void **state)
{
    int start[2];
    int done[2];
    int status;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(done), 0);
    assert_int_equal(scoreboard_add(*state, 1, 2, 2), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child_writes(*state, start[0], done[1]));
    assert_int_equal(scoreboard_add(*state, 2, 64, 100), 0);
    assert_int_equal(write(start[1], "!", 1), 1);
    (void)close(done[1]);
    assert_int_equal(read(done[0], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(scoreboard_server(*state, 2, 63, 99)->accepted, 4711);
    (void)close(done[0]);
    (void)close(start[0]);
    (void)close(start[1]);
}

static void pointers_stay_valid_while_the_board_grows(void **state)
{
    struct scoreboard_worker *worker;

    assert_int_equal(scoreboard_add(*state, 1, 1, 1), 0);
    worker = scoreboard_worker(*state, 1, 0);
    worker->turns = 5;
    assert_int_equal(scoreboard_add(*state, 2, 1000, 100), 0);
    assert_ptr_equal(scoreboard_worker(*state, 1, 0), worker);
    assert_int_equal(worker->turns, 5);
}

static void the_file_cannot_be_made_smaller(void **state)
{
    assert_int_equal(ftruncate(scoreboard_fd(*state), 0), -1);
    assert_int_equal(fcntl(scoreboard_fd(*state), F_ADD_SEALS, F_SEAL_GROW), -1);
}

static void an_adopted_board_has_the_same_cells(void **state)
{
    struct scoreboard *board;

    assert_int_equal(scoreboard_add(*state, 4, 2, 3), 0);
    scoreboard_server(*state, 4, 1, 2)->accepted = 12;
    board = scoreboard_adopt(dup(scoreboard_fd(*state)));
    assert_non_null(board);
    assert_int_equal(scoreboard_server(board, 4, 1, 2)->accepted, 12);
    assert_int_equal(scoreboard_add(board, 5, 100, 100), 0);
    assert_non_null(scoreboard_worker(*state, 5, 99));
    scoreboard_free(board);
}

static void a_damaged_board_is_not_adopted(void **state)
{
    static const struct {
        size_t offset;
        uint64_t value;
        size_t size;
    } cases[] = {
        {offsetof(struct layout, magic), 'P', 1},
        {offsetof(struct layout, version), SCOREBOARD_VERSION + 1, 4},
        {offsetof(struct layout, cell_size), 64, 4},
        {offsetof(struct layout, size), 1, 8},
        {offsetof(struct layout, size), UINT64_MAX, 8},
        {offsetof(struct layout, places[0].workers), 0, 4},
        {offsetof(struct layout, places[0].workers), UINT32_MAX, 4},
        {offsetof(struct layout, places[0].servers), 99, 4},
        {offsetof(struct layout, places[0].offset), 0, 8},
        {offsetof(struct layout, places[0].offset), LAYOUT_CELLS_OFFSET + 8, 8},
        {offsetof(struct layout, places[0].offset), UINT64_MAX - 127, 8},
        {offsetof(struct layout, places[0].length), UINT64_MAX, 8},
        {offsetof(struct layout, places[0].length), 128, 8},
        {offsetof(struct layout, places[1].generation), 1, 8},               /* twice the same */
        {offsetof(struct layout, places[1].offset), LAYOUT_CELLS_OFFSET, 8}, /* on the other */
        {offsetof(struct layout, places[2].length), 128, 8},
    };
    struct scoreboard *board;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        board = scoreboard_new();
        assert_int_equal(scoreboard_add(board, 1, 2, 3), 0);
        assert_int_equal(scoreboard_add(board, 2, 2, 3), 0);
        assert_int_equal(
            pwrite(scoreboard_fd(board), &cases[i].value, cases[i].size, (off_t)cases[i].offset),
            cases[i].size);
        errno = 0;
        if (scoreboard_adopt(dup(scoreboard_fd(board))) != NULL)
            fail_msg("case %zu was adopted", i);
        assert_int_equal(errno, EPROTO);
        scoreboard_free(board);
    }
}

static void an_entry_that_is_damaged_while_in_use_is_not_followed(void **state)
{
    const uint64_t far_away = 60UL * 1024 * 1024;

    assert_int_equal(scoreboard_add(*state, 1, 2, 3), 0);
    assert_int_equal(
        pwrite(scoreboard_fd(*state), &far_away, 8, offsetof(struct layout, places[0].offset)), 8);
    assert_null(scoreboard_worker(*state, 1, 0));
    scoreboard_clear_slot(*state, 1, 0);
    assert_int_equal(scoreboard_add(*state, 2, 2, 3), 0);
    assert_non_null(scoreboard_worker(*state, 2, 0));
}

static void what_is_no_board_is_not_adopted(void **state)
{
    int fd = memfd_create("other", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(ftruncate(fd, 65536), 0);
    assert_null(scoreboard_adopt(fd));
    assert_int_equal(errno, EPROTO);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(scoreboard_adopt(dup(STDIN_FILENO)));
    assert_null(scoreboard_adopt(-1));
}

static void random_damage_never_leads_out_of_the_file(void **state)
{
    struct scoreboard_entry entries[SCOREBOARD_MAX_GENERATIONS];
    unsigned seed = 20260301;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct scoreboard *board = scoreboard_new();

        (void)scoreboard_add(board, 1, 2, 3);
        (void)scoreboard_add(board, 2, 3, 1);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t value = (uint64_t)rand_r(&seed) << (rand_r(&seed) % 48);
            off_t offset = 24 + rand_r(&seed) % (off_t)(sizeof(struct layout) - 32);

            (void)!pwrite(scoreboard_fd(board), &value, 1U << rand_r(&seed) % 4, offset);
        }
        scoreboard_free(scoreboard_adopt(dup(scoreboard_fd(board))));
        (void)scoreboard_generations(board, entries);
        for (uint64_t generation = 0; generation < 3; generation++)
            scoreboard_clear_slot(board, generation, 1);
        (void)scoreboard_add(board, 9, 10, 10);
        scoreboard_free(board);
    }
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(slot_state_name(SLOT_EMPTY), "empty");
    assert_string_equal(slot_state_name(SLOT_READY), "ready");
    assert_string_equal(slot_state_name(SLOT_RESTING), "resting");
    assert_string_equal(slot_state_name((enum slot_state)77), "?");
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    scoreboard_free(NULL);
}

#define BOARD(name) cmocka_unit_test_setup_teardown(name, open_board, close_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD(a_new_board_is_empty),
        BOARD(a_generation_has_a_zeroed_cell_for_each_worker_and_server),
        BOARD(cells_are_aligned_and_apart),
        BOARD(the_cells_of_one_server_are_adjacent),
        BOARD(generations_are_listed_oldest_first),
        BOARD(what_cannot_be_added_is_refused),
        BOARD(room_is_used_again_and_zeroed),
        BOARD(a_larger_generation_does_not_overlap_its_neighbours),
        BOARD(clearing_a_slot_zeroes_gauges_and_keeps_sums),
        BOARD(a_process_that_mapped_early_sees_what_is_added_later),
        BOARD(pointers_stay_valid_while_the_board_grows),
        BOARD(the_file_cannot_be_made_smaller),
        BOARD(an_adopted_board_has_the_same_cells),
        cmocka_unit_test(a_damaged_board_is_not_adopted),
        BOARD(an_entry_that_is_damaged_while_in_use_is_not_followed),
        cmocka_unit_test(what_is_no_board_is_not_adopted),
        cmocka_unit_test(random_damage_never_leads_out_of_the_file),
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(nothing_is_freed_without_harm),
    };

    return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
