/* SPDX-License-Identifier: MIT
 *
 * Whom the kernel leads where, when several handles have one port.
 */
#include "reuseport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <prong/prong.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HANDLES 4
#define CLIENTS 200

struct group {
    struct prong_listen_options options;
    struct prong_address address;
    int fds[HANDLES];
    unsigned counts[HANDLES]; /* of clients that were led there */
};

static int setup_at(void **state, const char *address)
{
    struct group *group = calloc(1, sizeof(*group));

    *state = group;
    if (group == NULL || prong_address_parse(&group->address, address) < 0)
        return -1;
    prong_listen_options_init(&group->options);
    group->fds[0] = prong_listen_open(&group->address, &group->options);
    for (unsigned i = 1; i < HANDLES; i++)
        group->fds[i] = reuseport_join(group->fds[0], i == 1, &group->options);
    return prong_address_from_fd(&group->address, group->fds[0]);
}

static int setup(void **state)
{
    return setup_at(state, "127.0.0.1:0");
}

static int setup_everywhere(void **state)
{
    return setup_at(state, "[::]:0");
}

static int teardown(void **state)
{
    struct group *group = *state;

    for (unsigned i = 0; i < HANDLES; i++)
        close(group->fds[i]);
    free(group);
    return 0;
}

static void take_all(struct group *group)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        int fd;

        group->counts[i] = 0;
        while ((fd = accept4(group->fds[i], NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            group->counts[i]++;
            close(fd);
        }
    }
}

/* A client that is connected is in a queue. */
static void visit(struct group *group)
{
    struct sockaddr_storage storage;
    int clients[CLIENTS];
    socklen_t size;

    assert_int_equal(prong_address_to_sockaddr(&group->address, &storage, &size), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = socket(group->address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&storage, size), 0);
    }
    take_all(group);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

static void assert_led_to(struct group *group, const unsigned *chosen, unsigned count)
{
    unsigned sum = 0;

    visit(group);
    for (unsigned i = 0; i < count; i++) {
        assert_true(group->counts[chosen[i]] > CLIENTS / count / 4);
        sum += group->counts[chosen[i]];
    }
    assert_int_equal(sum, CLIENTS);
}

static void who_joins_gets_nobody_until_it_is_chosen(void **state)
{
    assert_led_to(*state, (const unsigned[]){0}, 1);
}

static void those_who_are_chosen_get_equal_parts(void **state)
{
    struct group *group = *state;
    static const unsigned choices[][HANDLES] = {{0, 1, 2, 3}, {1, 3}, {2}, {0, 2, 3}, {0, 1}};
    static const unsigned counts[] = {4, 2, 1, 3, 2};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        assert_int_equal(reuseport_choose(group->fds[i % HANDLES], choices[i], counts[i]), 0);
        assert_led_to(group, choices[i], counts[i]);
    }
}

/* The order is that of joining, even when somebody still holds a handle that left. */
static void who_leaves_makes_room_for_the_next(void **state)
{
    struct group *group = *state;
    int held = dup(group->fds[3]);

    reuseport_leave(group->fds[3]);
    close(group->fds[3]);
    group->fds[3] = reuseport_join(group->fds[0], false, &group->options);
    assert_true(group->fds[3] >= 0);
    assert_int_equal(reuseport_choose(group->fds[0], (const unsigned[]){1, 3}, 2), 0);
    assert_led_to(group, (const unsigned[]){1, 3}, 2);
    close(held);
}

static void nobody_can_be_chosen_when_there_is_no_group(void **state)
{
    struct group *group = *state;
    struct prong_address address = group->address;
    int fd;

    address.port = 0;
    fd = prong_listen_open(&address, &group->options);
    assert_int_equal(reuseport_choose(fd, (const unsigned[]){0}, 1), -EINVAL);
    assert_int_equal(reuseport_choose(group->fds[0], (const unsigned[]){0}, 0), -EINVAL);
    close(fd);
}

/* Five repetitions, unless this machine has another number: 1 + 2 + 4 + … seconds. */
static void a_handshake_ends(void **state)
{
    (void)state;
    assert_true(reuseport_handshake_s() >= 2);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_joins_gets_nobody_until_it_is_chosen, setup),
        CASE(those_who_are_chosen_get_equal_parts, setup),
        CASE(those_who_are_chosen_get_equal_parts, setup_everywhere),
        CASE(who_leaves_makes_room_for_the_next, setup),
        CASE(nobody_can_be_chosen_when_there_is_no_group, setup),
        cmocka_unit_test(a_handshake_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
