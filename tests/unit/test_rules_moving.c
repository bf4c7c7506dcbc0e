/* SPDX-License-Identifier: MIT
 *
 * Moving a socket (R144 to R150): what stays, what travels, and what the kernel knows.
 * test_moving.c goes through the states.
 */
#include "net_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- What the sender is left with --- */

/* The accepted socket off its loop. */
static struct prong_socket_image detached(struct net *net)
{
    struct prong_socket_image image;

    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    net->accepted.socket = NULL;
    return image;
}

static struct prong_socket *attached(struct net *net, struct prong_socket_image *image)
{
    struct prong_socket *socket =
        prong_socket_attach(net->loop, net->server, image, 0, &recording, &net->accepted);

    assert_non_null(socket);
    net->accepted.socket = socket;
    return socket;
}

static void r144_a_detached_socket_is_gone_without_a_callback(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    struct prong_socket_image image, none;

    net_pair(net);
    socket = net->accepted.socket;
    prong_socket_hold(socket);
    image = detached(net);
    assert_int_equal(prong_server_connections(net->server), 0);
    assert_int_equal(prong_socket_state(socket), PRONG_SOCKET_CLOSED);
    assert_int_equal(prong_socket_fd(socket), -1);
    assert_int_equal(prong_socket_write(socket, "x", 1), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_end(socket), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_detach(socket, &none), PRONG_EDESTROYED);
    assert_int_equal(none.fd, -1);
    run_idle(net);
    assert_events(&net->accepted, "");
    assert_events(&net->listener, "listening connection");
    prong_socket_release(socket);
    prong_socket_image_clear(&image);
    run_until(net, &net->client, "close");
}

static void r144_what_is_not_connected_stays(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;

    net_listen(net);
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_int_equal(prong_socket_detach(net->client.socket, &image), -ENOTCONN);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    assert_int_equal(prong_socket_detach(net->client.socket, &image), -ENOTCONN);
    run_until(net, &net->client, "connect");
    prong_socket_destroy(net->client.socket, 0);
    assert_int_equal(prong_socket_detach(net->client.socket, &image), PRONG_EDESTROYED);
    run_until(net, &net->client, "close");
}

/* Does this descriptor's fdinfo say that it is an epoll set which watches `fd`? */
static bool watches(const char *set, int fd)
{
    char path[64], line[256];
    bool found = false;
    FILE *info;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%.20s", set);
    info = fopen(path, "re");
    if (info == NULL)
        return false;
    while (fgets(line, sizeof(line), info) != NULL)
        found = found || (strncmp(line, "tfd:", 4) == 0 && strtol(line + 4, NULL, 10) == fd);
    fclose(info);
    return found;
}

/* In how many epoll sets of this process does `fd` stand? */
static int sets_that_watch(int fd)
{
    DIR *folder = opendir("/proc/self/fdinfo");
    const struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        count += watches(entry->d_name, fd);
    closedir(folder);
    return count;
}

static void r144_the_kernel_forgets_the_descriptor(void **state)
{
    struct net *net = *state;

    /* A paused one is watched for the end of its peer, in another set. */
    for (int paused = 0; paused < 2; paused++) {
        struct prong_socket_image image;

        net_pair(net);
        run_idle(net);
        if (paused)
            prong_socket_pause(net->accepted.socket);
        run_idle(net);
        assert_int_equal(sets_that_watch(prong_socket_fd(net->accepted.socket)), 1 + paused);
        image = detached(net);
        assert_int_equal(sets_that_watch(image.fd), 0);
        run_idle(net);
        assert_int_equal(sets_that_watch(image.fd), 0);
        prong_socket_image_clear(&image);
        run_until(net, &net->client, "close");
    }
}

/* libev makes a new set when it is told of a descriptor that it does not watch.  What only the
 * kernel knows of is gone then. */
static void r144_libev_keeps_its_set(void **state)
{
    struct net *net = *state;
    struct epoll_event nothing = {.events = 0};
    int sentinel = eventfd(0, EFD_CLOEXEC);
    struct prong_socket_image image;
    int copy;

    net_pair(net);
    run_idle(net);
    assert_int_equal(epoll_ctl(prong_loop_epoll_fd(net->loop), EPOLL_CTL_ADD, sentinel, &nothing),
                     0);
    /* Another process has it, too, and the peer goes on sending. */
    copy = fcntl(prong_socket_fd(net->accepted.socket), F_DUPFD_CLOEXEC, 0);
    image = detached(net);
    prong_socket_image_clear(&image);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
        run_idle(net);
    }
    assert_int_equal(epoll_ctl(prong_loop_epoll_fd(net->loop), EPOLL_CTL_MOD, sentinel, &nothing),
                     0);
    close(copy);
    close(sentinel);
}

static void r144_a_closing_server_closes_when_its_last_socket_has_moved(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;

    net_pair(net);
    assert_int_equal(prong_server_close(net->server), 0);
    image = detached(net);
    assert_false(happened(&net->listener, "close"));
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "listening connection close");
    prong_socket_image_clear(&image);
}

static void r144_an_image_counts_where_it_is_attached(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    const struct prong_server_counters *counters;

    net_pair(net);
    image = detached(net);
    attached(net, &image);
    assert_int_equal(prong_server_connections(net->server), 1);
    prong_socket_start(net->accepted.socket);
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->listener, "gone");
    assert_events(&net->listener, "listening connection gone");
    counters = prong_server_counters(net->server);
    assert_int_equal(counters->accepted, 1);
    assert_int_equal(counters->detached, 1);
    assert_int_equal(counters->attached, 1);
    assert_int_equal(counters->closed, 1);
}

/* --- What travels --- */

static void give_back_and_leave(struct record *record)
{
    struct prong_socket_image *image = record->net->scratch;

    record->then = NULL;
    assert_int_equal(prong_socket_unread(record->socket, record->bytes + 1, record->size - 1), 0);
    assert_int_equal(prong_socket_detach(record->socket, image), 0);
    record->socket = NULL;
}

static void r145_bytes_that_were_read_but_not_used_travel(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image = {.fd = -1};

    net_pair(net);
    net->scratch = &image;
    net->accepted.when = "data";
    net->accepted.then = give_back_and_leave;
    assert_int_equal(prong_socket_write(net->client.socket, "abcdef", 6), 0);
    run_until(net, &net->accepted, "data:6");
    assert_int_equal(image.unread_size, 5);
    assert_int_equal(image.bytes_read, 6);
    forget(&net->accepted);
    prong_socket_start(attached(net, &image));
    run_until_bytes(net, &net->accepted, 5);
    assert_memory_equal(net->accepted.bytes, "bcdef", 5);
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 6);
}

static int kernel_option(const struct prong_socket *socket, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    assert_int_equal(getsockopt(prong_socket_fd(socket), level, name, &value, &length), 0);
    return value;
}

static void r146_options_addresses_and_counters_travel(void **state)
{
    struct net *net = *state;
    struct prong_keep_alive keep_alive = {.enabled = true, .idle_s = 77};
    struct prong_address local, remote, again;
    struct prong_socket_image image;
    struct prong_socket *socket;

    net->options.socket.no_delay = true;
    net_pair(net);
    assert_int_equal(prong_socket_set_keep_alive(net->accepted.socket, &keep_alive), 0);
    prong_socket_write(net->client.socket, "abc", 3);
    prong_socket_write(net->accepted.socket, "defg", 4);
    run_until_bytes(net, &net->accepted, 3);
    assert_int_equal(prong_socket_local(net->accepted.socket, &local), 0);
    assert_int_equal(prong_socket_remote(net->accepted.socket, &remote), 0);
    image = detached(net);
    assert_true(image.no_delay);
    socket = attached(net, &image);
    assert_int_equal(prong_socket_local(socket, &again), 0);
    assert_true(prong_address_equal(&again, &local));
    assert_int_equal(prong_socket_remote(socket, &again), 0);
    assert_true(prong_address_equal(&again, &remote));
    assert_int_equal(prong_socket_bytes_read(socket), 3);
    assert_int_equal(prong_socket_bytes_written(socket), 4);
    assert_int_equal(kernel_option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(kernel_option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 77);
}

static void r146_the_rest_of_an_idle_time_travels_on(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;

    net_pair(net);
    assert_int_equal(prong_socket_set_timeout(net->accepted.socket, 60000), 0);
    image = detached(net);
    assert_int_equal(image.timeout_ms, 60000);
    assert_in_range(image.timeout_left_ms, 1, 60000);
    /* Nothing runs before the start: a third worker gets what the second one got. */
    image.timeout_left_ms = 1234;
    attached(net, &image);
    assert_int_equal(prong_socket_timeout(net->accepted.socket), 60000);
    image = detached(net);
    assert_int_equal(image.timeout_left_ms, 1234);
    attached(net, &image);
    assert_int_equal(prong_socket_set_timeout(net->accepted.socket, 5), 0);
    image = detached(net);
    assert_int_equal(image.timeout_ms, 5);
    assert_int_equal(image.timeout_left_ms, 5);
    prong_socket_start(attached(net, &image));
    run_until(net, &net->accepted, "timeout");
}

static void r146_nothing_is_sent_or_read_before_the_start(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    struct prong_socket *socket;

    net_pair(net);
    assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
    image = detached(net);
    socket = attached(net, &image);
    assert_int_equal(prong_socket_write(socket, "def", 3), 0);
    prong_socket_cork(socket);
    prong_socket_uncork(socket);
    prong_socket_pause(socket);
    prong_socket_resume(socket);
    assert_int_equal(prong_socket_end(socket), 0);
    run_idle(net);
    assert_events(&net->accepted, "");
    assert_int_equal(net->client.size, 0);
    assert_false(happened(&net->client, "end"));
    assert_int_equal(prong_socket_queue_bytes(socket), 3);
    prong_socket_start(socket);
    prong_socket_start(socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_int_equal(net->client.size, 3);
    assert_int_equal(net->accepted.size, 3);
}

static void r146_a_socket_may_be_destroyed_before_the_start(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;

    net_pair(net);
    image = detached(net);
    attached(net, &image);
    prong_socket_destroy(net->accepted.socket, 0);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
}

static void r146_unix_sockets_move_too(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    struct prong_socket_image image;

    assert_int_equal(prong_address_from_path(&address, "@prong-test-moving"), 0);
    snprintf(address.path + 1, sizeof(address.path) - 1, "prong-%d", getpid());
    address.path_size = (uint8_t)(1 + strlen(address.path + 1));
    assert_int_equal(prong_server_listen_address(net->server, &address, NULL), 0);
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_until(net, &net->listener, "connection");
    image = detached(net);
    prong_socket_start(attached(net, &image));
    assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
    run_until_bytes(net, &net->accepted, 3);
    assert_int_equal(prong_socket_remote(net->accepted.socket, &address), 0);
    assert_int_equal(address.family, AF_UNIX);
}

/* --- Shared, or not sent at all --- */

static void r147_clearing_an_image_leaves_another_holder_of_the_connection_alone(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    int copy;
    char byte;

    net_pair(net);
    copy = fcntl(prong_socket_fd(net->accepted.socket), F_DUPFD_CLOEXEC, 0);
    assert_true(copy >= 0);
    image = detached(net);
    prong_socket_image_clear(&image);
    run_idle(net);
    assert_events(&net->client, "connect");
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 0);
    assert_int_equal(recv(copy, &byte, 1, MSG_WAITALL), 1);
    close(copy);
    run_until(net, &net->client, "close");
}

static void r150_an_image_that_could_not_be_sent_is_attached_again(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    char bytes[1024];
    int channel[2];

    net_pair(net);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    close(channel[1]);
    assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
    image = detached(net);
    assert_true(prong_socket_image_encode(&image, (uint8_t *)bytes, sizeof(bytes)) <=
                sizeof(bytes));
    assert_int_equal(send(channel[0], bytes, sizeof(bytes), MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    prong_socket_start(attached(net, &image));
    run_until_bytes(net, &net->accepted, 3);
    prong_socket_write(net->accepted.socket, "def", 3);
    run_until_bytes(net, &net->client, 3);
    close(channel[0]);
}

static void a_socket_of_a_server_has_what_its_accepted_ones_have(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    struct prong_socket *socket;

    net->options.socket.extra_bytes = 24;
    net_pair(net);
    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    socket = prong_socket_attach(net->loop, net->server, &image, 0, NULL, NULL);
    assert_non_null(socket);
    assert_ptr_equal(prong_socket_user(socket), &net->accepted);
    assert_ptr_equal(prong_socket_server(socket), net->server);
    memset(prong_socket_extra(socket), 1, 24);
    net->accepted.socket = socket;
    prong_socket_start(socket);
    prong_socket_write(net->client.socket, "abc", 3);
    run_until_bytes(net, &net->accepted, 3);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r144_a_detached_socket_is_gone_without_a_callback),
    TEST(r144_what_is_not_connected_stays),
    TEST(r144_the_kernel_forgets_the_descriptor),
    TEST(r144_libev_keeps_its_set),
    TEST(r144_a_closing_server_closes_when_its_last_socket_has_moved),
    TEST(r144_an_image_counts_where_it_is_attached),
    TEST(r145_bytes_that_were_read_but_not_used_travel),
    TEST(r146_options_addresses_and_counters_travel),
    TEST(r146_the_rest_of_an_idle_time_travels_on),
    TEST(r146_nothing_is_sent_or_read_before_the_start),
    TEST(r146_a_socket_may_be_destroyed_before_the_start),
    TEST(r146_unix_sockets_move_too),
    TEST(r147_clearing_an_image_leaves_another_holder_of_the_connection_alone),
    TEST(r150_an_image_that_could_not_be_sent_is_attached_again),
    TEST(a_socket_of_a_server_has_what_its_accepted_ones_have),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
