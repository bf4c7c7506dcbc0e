/* SPDX-License-Identifier: MIT
 *
 * Listening handles: which are shared, which are opened, what is left behind.
 */
#include "listeners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static char server_name[] = "test";
static char other_name[] = "other";

/* A server with up to two addresses. */
struct fixture {
    struct listeners *listeners;
    struct config_listen addresses[2];
    struct config_server server;
    char problem[256];
};

static void set_up(struct fixture *fixture, const char *first, const char *second)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->listeners = listeners_new();
    assert_non_null(fixture->listeners);
    fixture->server.name = server_name;
    fixture->server.addresses = fixture->addresses;
    fixture->server.address_count = second != NULL ? 2 : 1;
    assert_int_equal(prong_address_parse(&fixture->addresses[0].address, first), 0);
    if (second != NULL)
        assert_int_equal(prong_address_parse(&fixture->addresses[1].address, second), 0);
}

static void tear_down(struct fixture *fixture)
{
    listeners_free(fixture->listeners);
}

static struct listener *take(struct fixture *fixture, size_t index)
{
    return listeners_take(fixture->listeners, &fixture->server, index, 0, fixture->problem,
                          sizeof(fixture->problem));
}

static void a_second_generation_gets_the_same_handle(void **state)
{
    struct fixture fixture;
    struct listener *first;

    (void)state;
    set_up(&fixture, "127.0.0.1:0", NULL);
    first = take(&fixture, 0);
    assert_non_null(first);
    assert_int_not_equal(first->address.port, 0);
    assert_ptr_equal(take(&fixture, 0), first);
    listeners_release(fixture.listeners, first);
    assert_true(first->fd >= 0);
    listeners_release(fixture.listeners, first);
    tear_down(&fixture);
}

static void each_port_0_of_a_server_is_a_port_of_its_own(void **state)
{
    struct fixture fixture;
    struct listener *first, *second;

    (void)state;
    set_up(&fixture, "127.0.0.1:0", "127.0.0.1:0");
    first = take(&fixture, 0);
    second = take(&fixture, 1);
    assert_ptr_not_equal(first, second);
    assert_int_not_equal(first->address.port, second->address.port);
    assert_ptr_equal(take(&fixture, 1), second);
    tear_down(&fixture);
}

static void port_0_of_another_server_is_another_port(void **state)
{
    struct fixture fixture;
    struct listener *first;

    (void)state;
    set_up(&fixture, "127.0.0.1:0", NULL);
    first = take(&fixture, 0);
    fixture.server.name = other_name;
    assert_ptr_not_equal(take(&fixture, 0), first);
    tear_down(&fixture);
}

static void a_port_in_use_is_reported_with_its_address(void **state)
{
    struct fixture fixture;
    struct listener *first;
    struct listeners *others = listeners_new();

    (void)state;
    set_up(&fixture, "127.0.0.1:0", NULL);
    first = take(&fixture, 0);
    fixture.addresses[0].address.port = first->address.port;
    assert_null(
        listeners_take(others, &fixture.server, 0, 0, fixture.problem, sizeof(fixture.problem)));
    assert_non_null(strstr(fixture.problem, "listen: 127.0.0.1:"));
    assert_non_null(strstr(fixture.problem, "Address already in use"));
    listeners_free(others);
    tear_down(&fixture);
}

static void a_socket_owner_that_does_not_exist_is_reported(void **state)
{
    static char nobody[] = "no-such-user";
    struct fixture fixture;

    (void)state;
    set_up(&fixture, "unix:@prong-test-owner", NULL);
    fixture.server.socket_owner = nobody;
    assert_null(take(&fixture, 0));
    assert_non_null(strstr(fixture.problem, "socket_owner: "));
    assert_non_null(strstr(fixture.problem, "no-such-user"));
    tear_down(&fixture);
}

/* --- Unix sockets in a directory of their own --- */

static char directory[64];
static char address[96];
static const char *path = address + sizeof("unix:") - 1;

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/prong-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(address, sizeof(address), "unix:%s/socket", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory); /* fails when anything was left behind */
}

static void the_last_release_removes_the_socket_file(void **state)
{
    struct fixture fixture;
    struct listener *listener;

    (void)state;
    set_up(&fixture, address, NULL);
    listener = take(&fixture, 0);
    assert_ptr_equal(take(&fixture, 0), listener);
    listeners_release(fixture.listeners, listener);
    assert_int_equal(access(path, F_OK), 0);
    listeners_release(fixture.listeners, listener);
    assert_int_not_equal(access(path, F_OK), 0);
    tear_down(&fixture);
}

static void a_child_that_frees_the_listeners_leaves_the_file(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, address, NULL);
    assert_non_null(take(&fixture, 0));
    tear_down(&fixture);
    assert_int_equal(unlink(path), 0);
}

static void the_socket_file_of_a_successor_is_left_alone(void **state)
{
    struct fixture fixture;
    struct listener *listener;
    FILE *file;

    (void)state;
    set_up(&fixture, address, NULL);
    listener = take(&fixture, 0);
    assert_int_equal(unlink(path), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    listeners_release(fixture.listeners, listener);
    assert_int_equal(unlink(path), 0);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_generation_gets_the_same_handle),
        cmocka_unit_test(each_port_0_of_a_server_is_a_port_of_its_own),
        cmocka_unit_test(port_0_of_another_server_is_another_port),
        cmocka_unit_test(a_port_in_use_is_reported_with_its_address),
        cmocka_unit_test(a_socket_owner_that_does_not_exist_is_reported),
        cmocka_unit_test_setup_teardown(the_last_release_removes_the_socket_file, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_child_that_frees_the_listeners_leaves_the_file,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(the_socket_file_of_a_successor_is_left_alone,
                                        make_directory, remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
