/* SPDX-License-Identifier: MIT
 *
 * The rules of resets, R98, and of sockets that are closed already, R101.
 */
#include "net_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void r098_the_peer_sees_a_reset_and_the_owner_a_close(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_reset(net->client.socket), 0);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect close");
    assert_false(net->client.had_error);
    assert_events(&net->accepted, "error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
}

static void r098_while_connecting_the_connect_comes_first(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    assert_int_equal(prong_socket_reset(net->client.socket), 0);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect close");
    run_until(net, &net->accepted, "close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
}

static void r098_a_new_socket_closes_with_an_error(void **state)
{
    struct net *net = *state;

    net_client(net, NULL);
    assert_int_equal(prong_socket_reset(net->client.socket), -ENOTCONN);
    assert_events(&net->client, "");
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, -ENOTCONN);
}

static void r098_a_unix_socket_has_no_reset(void **state)
{
    struct net *net = *state;
    struct prong_address nowhere;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], NULL, &recording_all, &net->client);
    assert_int_equal(prong_socket_reset(net->client.socket), -ENOTSUP);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
    close(ends[1]);
    run_until(net, &net->client, "close");
    net_client(net, NULL);
    assert_int_equal(prong_address_from_path(&nowhere, "@prong-nowhere"), 0);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &nowhere), 0);
    assert_int_equal(prong_socket_reset(net->client.socket), -ENOTSUP);
}

/* Every function that takes a socket, on one that is closed. */
static void call_everything(struct net *net, struct prong_socket *socket)
{
    struct prong_keep_alive keep_alive = {.enabled = true, .idle_s = 7};
    struct prong_connect_options options;
    struct prong_credentials credentials;
    struct prong_socket_image image;
    struct prong_address address;
    struct iovec piece = {&address, sizeof(address)};
    size_t count;

    prong_connect_options_init(&options);
    assert_int_equal(prong_socket_write(socket, "x", 1), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_writev(socket, &piece, 1), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_write_then(socket, "x", 1, note_written, "x"), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_write_borrowed(socket, "x", 1, note_written, "x"),
                     PRONG_EDESTROYED);
    prong_socket_cork(socket);
    prong_socket_uncork(socket);
    assert_int_equal(prong_socket_end(socket), PRONG_EDESTROYED);
    prong_socket_destroy(socket, -EIO);
    prong_socket_destroy_soon(socket);
    assert_int_equal(prong_socket_reset(socket), PRONG_EDESTROYED);
    prong_socket_pause(socket);
    assert_true(prong_socket_is_paused(socket));
    prong_socket_resume(socket);
    assert_int_equal(prong_socket_unread(socket, "x", 1), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_unread_bytes(socket), 0);
    assert_int_equal(prong_socket_set_timeout(socket, 1), 0);
    assert_int_equal(prong_socket_set_no_delay(socket, true), 0);
    assert_int_equal(prong_socket_set_keep_alive(socket, &keep_alive), 0);
    assert_int_equal(prong_socket_set_user_timeout(socket, 1000), 0);
    assert_int_equal(prong_socket_set_type_of_service(socket, 8), 0);
    assert_int_equal(prong_socket_type_of_service(socket), 8);
    assert_int_equal(prong_socket_set_connect_options(socket, &options), 0);
    prong_socket_set_allow_half_open(socket, true);
    prong_socket_set_high_water_mark(socket, 1);
    prong_socket_set_events(socket, &recording, &net->client);
    assert_int_equal(prong_socket_queue_bytes(socket), 0);
    assert_int_equal(prong_socket_peer_credentials(socket, &credentials), -ENOTCONN);
    assert_int_equal(prong_socket_fd(socket), -1);
    prong_socket_unref(socket);
    prong_socket_ref(socket);
    prong_socket_start(socket);
    prong_socket_attempts(socket, &count);
    assert_int_equal(count, 0);
    assert_null(prong_socket_server(socket));
    assert_int_equal(prong_pipe(socket, socket), PRONG_EDESTROYED);
    prong_unpipe(socket);
    assert_int_equal(prong_socket_detach(socket, &image), PRONG_EDESTROYED);
}

static void r101_every_function_is_harmless_after_close(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    prong_socket_destroy(socket, 0);
    call_everything(net, socket); /* before the callback */
    run_until(net, &net->client, "close");
    forget(&net->client);
    call_everything(net, socket);
    run_for(net, 20);
    assert_events(&net->client, "");
    prong_socket_release(socket);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r098_the_peer_sees_a_reset_and_the_owner_a_close),
    TEST(r098_while_connecting_the_connect_comes_first),
    TEST(r098_a_new_socket_closes_with_an_error),
    TEST(r098_a_unix_socket_has_no_reset),
    TEST(r101_every_function_is_harmless_after_close),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
