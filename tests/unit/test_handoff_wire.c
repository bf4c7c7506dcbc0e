/* SPDX-License-Identifier: MIT
 *
 * The messages of the handoff: what is sent arrives, what is damaged is said to be, and no
 * descriptor is left behind.
 */
#include "handoff_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc.h"

/* The head of a batch, as it stands in the message. */
struct head {
    uint32_t magic;
    uint16_t version;
    uint16_t count;
    uint32_t sequence;
    uint32_t reserved;
    struct {
        uint32_t size;
        uint16_t fd_count;
        uint16_t in_memfd;
    } records[HANDOFF_BATCH];
};

struct pair {
    int fds[2];
    unsigned descriptors; /* open before the test */
};

static int pair_setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    pair->descriptors = open_descriptors();
    assert_int_equal(ipc_pair(pair->fds), 0);
    *state = pair;
    return 0;
}

static int pair_teardown(void **state)
{
    struct pair *pair = *state;

    close_all(pair->fds, 2);
    assert_int_equal(open_descriptors(), pair->descriptors);
    free(pair);
    return 0;
}

static void add_state(struct record *record, size_t size)
{
    record->state = malloc(size);
    record->state_size = size;
    for (size_t i = 0; i < size; i++)
        record->state[i] = (uint8_t)(i % 251);
}

static struct wire_batch new_batch(size_t count, size_t state_size, int *clients)
{
    struct wire_batch batch = {.sequence = 5, .count = count};

    for (size_t i = 0; i < count; i++) {
        batch.records[i] = new_record(i, &clients[i]);
        if (state_size > 0)
            add_state(&batch.records[i], state_size);
    }
    return batch;
}

static void clear_batch(struct wire_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->damage[i] == 0)
            record_clear(&batch->records[i]);
    }
}

/* How many records of the next batch are damaged. */
static size_t count_damaged(int fd, size_t expected)
{
    struct wire_batch batch;
    size_t damaged = 0;

    assert_int_equal(wire_receive_batch(fd, &batch), 1);
    assert_int_equal(batch.count, expected);
    for (size_t i = 0; i < batch.count; i++)
        damaged += batch.damage[i] < 0;
    clear_batch(&batch);
    return damaged;
}

/* --- What arrives --- */

static void batches_of_every_size_arrive_as_they_were_sent(void **state)
{
    static const size_t sizes[] = {0, 1, 5000, 7900, 8192, 10000, 1 << 20};
    struct pair *pair = *state;
    int clients[HANDOFF_BATCH];

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct wire_batch batch = new_batch(HANDOFF_BATCH, sizes[s], clients), again;

        assert_int_equal(wire_send_batch(pair->fds[0], &batch), 0);
        assert_int_equal(wire_receive_batch(pair->fds[1], &again), 1);
        assert_int_equal(again.sequence, 5);
        assert_int_equal(again.count, HANDOFF_BATCH);
        for (size_t i = 0; i < HANDOFF_BATCH; i++) {
            assert_int_equal(again.damage[i], 0);
            assert_int_equal(again.records[i].id, i);
            assert_int_equal(again.records[i].state_size, sizes[s]);
            if (sizes[s] > 0)
                assert_memory_equal(again.records[i].state, batch.records[i].state, sizes[s]);
            assert_true(fcntl(again.records[i].image.fd, F_GETFD) & FD_CLOEXEC);
        }
        clear_batch(&batch);
        assert_true(is_alive(clients[0])); /* by the receiver's descriptor */
        clear_batch(&again);
        close_all(clients, HANDOFF_BATCH);
    }
}

static void large_and_small_records_share_a_batch(void **state)
{
    struct pair *pair = *state;
    int clients[3];
    struct wire_batch batch = new_batch(3, 0, clients), again;

    add_state(&batch.records[1], 500000);
    assert_int_equal(wire_send_batch(pair->fds[0], &batch), 0);
    assert_int_equal(wire_receive_batch(pair->fds[1], &again), 1);
    assert_int_equal(again.records[0].state_size, 0);
    assert_int_equal(again.records[1].state_size, 500000);
    assert_int_equal(again.records[2].id, 2);
    clear_batch(&again);
    clear_batch(&batch);
    close_all(clients, 3);
}

static void an_answer_arrives_as_it_was_sent(void **state)
{
    struct pair *pair = *state;
    struct wire_answer answer = {.sequence = 8, .room = 99, .count = 3, .status = {0, 12, 255}};
    struct wire_answer again;

    assert_int_equal(wire_receive_answer(pair->fds[0], &again), -EAGAIN);
    assert_int_equal(wire_send_answer(pair->fds[1], &answer), 0);
    assert_int_equal(wire_receive_answer(pair->fds[0], &again), 1);
    assert_int_equal(again.sequence, 8);
    assert_int_equal(again.room, 99);
    assert_int_equal(again.count, 3);
    assert_memory_equal(again.status, answer.status, 3);
}

static void a_full_pair_takes_all_of_a_batch_or_nothing(void **state)
{
    struct pair *pair = *state;
    int clients[HANDOFF_BATCH];
    struct wire_batch batch = new_batch(HANDOFF_BATCH, 7000, clients);
    size_t sent = 0;
    int error;

    while ((error = wire_send_batch(pair->fds[0], &batch)) == 0)
        sent++;
    assert_int_equal(error, -EAGAIN);
    assert_true(sent > 0);
    for (size_t i = 0; i < sent; i++)
        assert_int_equal(count_damaged(pair->fds[1], HANDOFF_BATCH), 0);
    assert_int_equal(wire_send_batch(pair->fds[0], &batch), 0);
    assert_int_equal(count_damaged(pair->fds[1], HANDOFF_BATCH), 0);
    clear_batch(&batch);
    close_all(clients, HANDOFF_BATCH);
}

/* --- What does not --- */

/* A batch with these bytes for a head and a body, and so many descriptors. */
static void send_raw(int socket, const struct head *head, size_t head_size, size_t body_size,
                     const int *fds, size_t fd_count)
{
    static uint8_t body[200000];
    struct iovec parts[2] = {{(void *)(uintptr_t)head, head_size}, {body, body_size}};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(64 * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(fd_count * sizeof(int))};

    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(&control.align), fds, fd_count * sizeof(int));
    assert_int_equal(sendmsg(socket, &message, 0), head_size + body_size);
}

static const int some_fds[64]; /* all of them standard input */

static void a_message_that_is_no_batch_is_a_broken_promise(void **state)
{
    static const struct {
        uint32_t magic;
        uint16_t version, count;
        size_t size; /* of the head that is sent */
    } rows[] = {
        {0x48414e45U, 2, 1, sizeof(struct head)},
        {0x48414e44U, 0, 1, sizeof(struct head)},
        {0x48414e44U, 3, 1, sizeof(struct head)},
        {0x48414e44U, 0x101, 1, sizeof(struct head)},
        {0x48414e44U, 2, 0, sizeof(struct head)},
        {0x48414e44U, 2, HANDOFF_BATCH + 1, sizeof(struct head)},
        {0x48414e44U, 2, UINT16_MAX, sizeof(struct head)},
        {0x48414e44U, 2, 1, sizeof(struct head) - 1},
        {0x48414e44U, 2, 1, 1},
    };
    struct pair *pair = *state;
    struct wire_batch batch;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct head head = {
            .magic = rows[i].magic, .version = rows[i].version, .count = rows[i].count};

        send_raw(pair->fds[0], &head, rows[i].size, 0, some_fds, 2);
        assert_int_equal(wire_receive_batch(pair->fds[1], &batch), -EPROTO);
    }
}

static void lengths_and_descriptors_that_do_not_add_up_damage_the_batch(void **state)
{
    static const struct {
        uint32_t first, second; /* announced sizes */
        uint16_t in_memfd;      /* of the second */
        size_t body, fds;       /* what is there */
    } rows[] = {
        {100, 100, 0, 199, 2},       {100, 100, 0, 201, 2},       {100, 100, 0, 0, 2},
        {100, UINT32_MAX, 0, 99, 2}, {UINT32_MAX, 1, 0, 0, 2},    {8193, 0, 0, 8193, 2},
        {100, 100, 0, 200, 1},       {100, 100, 0, 200, 3},       {100, 100, 0, 200, 32},
        {100, 100, 1, 200, 3},       {100, 100, 1, 100, 2},       {100, 100, 1, 100, 4},
        {100, 100, 0xffff, 200, 3},  {100, 0xffffff9cU, 0, 0, 2}, {100, 100, 0, 150000, 2},
    };
    struct pair *pair = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct head head = {.magic = 0x48414e44U, .version = 2, .count = 2};

        head.records[0].size = rows[i].first;
        head.records[0].fd_count = head.records[1].fd_count = 1;
        head.records[1].size = rows[i].second;
        head.records[1].in_memfd = rows[i].in_memfd;
        send_raw(pair->fds[0], &head, sizeof(head), rows[i].body, some_fds, rows[i].fds);
        assert_int_equal(count_damaged(pair->fds[1], 2), 2);
    }
}

/* recvmsg() says MSG_CTRUNC and has closed those that did not fit: the giver has its copies. */
static void a_receiver_short_of_descriptors_takes_none(void **state)
{
    struct pair *pair = *state;
    int clients[HANDOFF_BATCH];
    struct wire_batch batch = new_batch(HANDOFF_BATCH, 0, clients);
    struct rlimit old, low;
    size_t damaged;

    assert_int_equal(wire_send_batch(pair->fds[0], &batch), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){.rlim_cur = open_descriptors() + 4, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    damaged = count_damaged(pair->fds[1], HANDOFF_BATCH);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(damaged, HANDOFF_BATCH);
    for (size_t i = 0; i < HANDOFF_BATCH; i++)
        assert_true(is_alive(clients[i]));
    clear_batch(&batch);
    close_all(clients, HANDOFF_BATCH);
}

static void a_record_that_cannot_be_read_does_not_spoil_its_neighbours(void **state)
{
    struct pair *pair = *state;
    int clients[3];
    struct wire_batch batch = new_batch(3, 0, clients), again;

    batch.records[1].image.remote.family = AF_PACKET;
    assert_int_equal(wire_send_batch(pair->fds[0], &batch), 0);
    assert_int_equal(wire_receive_batch(pair->fds[1], &again), 1);
    assert_int_equal(again.damage[0], 0);
    assert_int_equal(again.damage[1], -EBADMSG);
    assert_int_equal(again.damage[2], 0);
    clear_batch(&again);
    clear_batch(&batch);
    close_all(clients, 3);
}

/* A memfd that its sender could still change would be read while it changes. */
static void a_memfd_must_be_sealed_and_of_its_size(void **state)
{
    static const struct {
        int seals;
        uint32_t size;
    } rows[] = {{0, 10000},
                {F_SEAL_SHRINK, 10000},
                {F_SEAL_WRITE, 10000},
                {F_SEAL_SHRINK | F_SEAL_WRITE, 9999},
                {F_SEAL_SHRINK | F_SEAL_WRITE, 10001},
                {F_SEAL_SHRINK | F_SEAL_WRITE, UINT32_MAX},
                {F_SEAL_SHRINK | F_SEAL_WRITE, 10000}}; /* sealed, but nonsense */
    struct pair *pair = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct head head = {.magic = 0x48414e44U, .version = 2, .count = 1};
        int fds[2] = {STDIN_FILENO, memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};

        assert_int_equal(ftruncate(fds[1], 10000), 0);
        if (rows[i].seals != 0)
            assert_int_equal(fcntl(fds[1], F_ADD_SEALS, rows[i].seals), 0);
        head.records[0].size = rows[i].size;
        head.records[0].in_memfd = 1;
        send_raw(pair->fds[0], &head, sizeof(head), 0, fds, 2);
        close(fds[1]);
        assert_int_equal(count_damaged(pair->fds[1], 1), 1);
    }
}

static void an_answer_that_is_none_is_a_broken_promise(void **state)
{
    struct pair *pair = *state;
    struct wire_answer answer = {.sequence = 1, .count = 1};
    uint8_t bytes[64];
    ssize_t size;

    assert_int_equal(wire_send_answer(pair->fds[1], &answer), 0);
    size = recv(pair->fds[0], bytes, sizeof(bytes), 0);
    for (ssize_t length = 1; length <= size + 1; length++) {
        if (length == size)
            continue;
        assert_int_equal(send(pair->fds[1], bytes, (size_t)length, 0), length);
        assert_int_equal(wire_receive_answer(pair->fds[0], &answer), -EPROTO);
    }
    for (size_t i = 0; i < 8; i++) { /* magic, version, count */
        bytes[i] ^= 0x40;
        assert_int_equal(send(pair->fds[1], bytes, (size_t)size, 0), size);
        assert_int_equal(wire_receive_answer(pair->fds[0], &answer), -EPROTO);
        bytes[i] ^= 0x40;
    }
}

static void a_record_over_the_limit_is_seen_before_it_is_sent(void **state)
{
    int client;
    struct record record = new_record(1, &client);

    (void)state;
    assert_int_equal(wire_check(&record), 0);
    record.image.unsent_size = WIRE_RECORD_MAX;
    assert_int_equal(wire_check(&record), -EMSGSIZE);
    record_clear(&record);
    close(client);
}

#define PAIR(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR(batches_of_every_size_arrive_as_they_were_sent),
        PAIR(large_and_small_records_share_a_batch),
        PAIR(an_answer_arrives_as_it_was_sent),
        PAIR(a_full_pair_takes_all_of_a_batch_or_nothing),
        PAIR(a_message_that_is_no_batch_is_a_broken_promise),
        PAIR(lengths_and_descriptors_that_do_not_add_up_damage_the_batch),
        PAIR(a_receiver_short_of_descriptors_takes_none),
        PAIR(a_record_that_cannot_be_read_does_not_spoil_its_neighbours),
        PAIR(a_memfd_must_be_sealed_and_of_its_size),
        PAIR(an_answer_that_is_none_is_a_broken_promise),
        PAIR(a_record_over_the_limit_is_seen_before_it_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
