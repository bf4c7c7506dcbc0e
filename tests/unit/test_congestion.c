/* SPDX-License-Identifier: MIT
 *
 * Congestion control by name, on descriptors of our own.
 */
#include <prong/congestion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int new_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static void expect(int fd, const char *wanted)
{
    char name[PRONG_CONGESTION_SIZE];

    assert_int_equal(prong_congestion_get(fd, name, sizeof(name)), 0);
    assert_string_equal(name, wanted);
}

/* Every kernel has Reno, and everybody may have it. */
static void test_a_descriptor_gets_the_one_that_is_named(void **state)
{
    int fd = new_tcp();

    (void)state;
    assert_int_equal(prong_congestion_set(fd, "reno"), 0);
    expect(fd, "reno");
    close(fd);
}

static void test_without_a_name_it_is_the_systems_again(void **state)
{
    char system[PRONG_CONGESTION_SIZE];
    int fd = new_tcp();

    (void)state;
    assert_int_equal(prong_congestion_get(fd, system, sizeof(system)), 0);
    assert_int_equal(prong_congestion_set(fd, "reno"), 0);
    assert_int_equal(prong_congestion_set(fd, NULL), 0);
    expect(fd, system);
    close(fd);
}

static void test_connections_inherit_it_from_the_listening_handle(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listening = new_tcp(), client = new_tcp(), accepted;

    (void)state;
    assert_int_equal(prong_congestion_set(listening, "reno"), 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
    accepted = accept(listening, NULL, NULL);
    expect(accepted, "reno");
    close(accepted);
    close(client);
    close(listening);
}

static void test_what_cannot_be_set_is_told(void **state)
{
    char name[PRONG_CONGESTION_SIZE];
    int fd = new_tcp(), pair[2];

    (void)state;
    assert_int_equal(prong_congestion_set(fd, "nonesuch"), -ENOENT);
    assert_int_equal(prong_congestion_set(-1, "reno"), -EBADF);
    assert_int_equal(prong_congestion_get(fd, name, 3), -ENOBUFS);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(prong_congestion_set(pair[0], "reno"), -EOPNOTSUPP);
    assert_int_equal(prong_congestion_get(pair[0], name, sizeof(name)), -EOPNOTSUPP);
    close(pair[0]);
    close(pair[1]);
    close(fd);
}

static void test_a_check_leaves_nothing_behind(void **state)
{
    int before = dup(0);

    (void)state;
    close(before);
    assert_int_equal(prong_congestion_check("reno"), 0);
    assert_int_equal(prong_congestion_check(NULL), 0);
    assert_int_equal(prong_congestion_check("nonesuch"), -ENOENT);
    assert_int_equal(dup(0), before);
    close(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_gets_the_one_that_is_named),
        cmocka_unit_test(test_without_a_name_it_is_the_systems_again),
        cmocka_unit_test(test_connections_inherit_it_from_the_listening_handle),
        cmocka_unit_test(test_what_cannot_be_set_is_told),
        cmocka_unit_test(test_a_check_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
