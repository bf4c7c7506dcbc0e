/* SPDX-License-Identifier: MIT
 *
 * What systemd starts a master with: each test plays systemd, which keeps what it is told to.
 */
#include "received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <prong/server.h>

#include "config.h"
#include "listeners.h"
#include "systemd.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */

static char server_name[] = "test";

struct fixture {
    char directory[64];
    char path[96];
    int notify_fd; /* where systemd reads */
    int stored_fd; /* what it keeps; -1: nothing */
    char stored_name[256];
    struct config_listen listen;
    struct config_server server;
    struct config_server *servers[1];
    struct config config;
    struct listeners *listeners;
    char problem[256];
};

/* Out of the way of those that systemd gives. */
static int move_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 100);

    assert_true(moved >= 0);
    close(fd);
    return moved;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/prong-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", fixture->directory);
    fixture->notify_fd = move_up(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    assert_int_equal(bind(fixture->notify_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    fixture->stored_fd = -1;
    fixture->server =
        (struct config_server){.name = server_name, .addresses = &fixture->listen, .backlog = 16};
    fixture->server.address_count = 1;
    fixture->servers[0] = &fixture->server;
    fixture->config = (struct config){.servers = fixture->servers, .server_count = 1};
    fixture->listeners = listeners_new();
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    const char *notify = getenv("NOTIFY_SOCKET");

    listeners_free(fixture->listeners);
    (void)unlink(fixture->path);
    if (notify != NULL)
        (void)unlink(notify);
    close(fixture->notify_fd);
    if (fixture->stored_fd >= 0)
        close(fixture->stored_fd);
    systemd_forget();
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

/* --- systemd --- */

/* The next message, with the descriptor that came along in `*fd`; "" when there is none. */
static const char *read_message(struct fixture *fixture, int *fd)
{
    static char text[1024];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, sizeof(text) - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t size = recvmsg(fixture->notify_fd, &message, MSG_CMSG_CLOEXEC);

    *fd = -1;
    text[size > 0 ? size : 0] = '\0';
    if (size > 0 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return text;
}

/* Keeps or drops, as it is told. */
static void serve(struct fixture *fixture)
{
    const char *text, *name;
    int fd;

    while (*(text = read_message(fixture, &fd)) != '\0') {
        name = strstr(text, "FDNAME=");
        if (strstr(text, "FDSTORE=1") != NULL) {
            assert_true(fd >= 0);
            assert_non_null(strstr(text, "FDPOLL=0"));
            fixture->stored_fd = move_up(fd);
            snprintf(fixture->stored_name, sizeof(fixture->stored_name), "%s", name + 7);
        } else if (strstr(text, "FDSTOREREMOVE=1") != NULL && fixture->stored_fd >= 0) {
            assert_string_equal(name + 7, fixture->stored_name);
            close(fixture->stored_fd);
            fixture->stored_fd = -1;
        }
    }
}

/* As the next master is started: with one descriptor. */
static void start_with(struct fixture *fixture, int fd, const char *name)
{
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", name, 1);
    assert_int_equal(fcntl(FIRST, F_GETFD), -1);
    assert_int_equal(dup2(fd, FIRST), FIRST);
    received_adopt(fixture->listeners, &fixture->config);
}

/* --- The master --- */

static void want(struct fixture *fixture, const char *address)
{
    assert_int_equal(prong_address_parse(&fixture->listen.address, address), 0);
}

static struct listener *take(struct fixture *fixture, unsigned nth)
{
    return listeners_take(fixture->listeners, &fixture->server, 0, nth, fixture->problem,
                          sizeof(fixture->problem));
}

/* Opens the handle, then ends as a master does that may have a successor. */
static void leave_one(struct fixture *fixture, struct prong_address *address)
{
    struct listener *listener = take(fixture, 0);

    assert_non_null(listener);
    *address = listener->address;
    serve(fixture);
    assert_true(fixture->stored_fd >= 0);
    listeners_release(fixture->listeners, listener);
    listeners_free(fixture->listeners);
    serve(fixture);
    assert_true(fixture->stored_fd >= 0);
    fixture->listeners = listeners_new();
}

static ino_t inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static void restart(struct fixture *fixture)
{
    start_with(fixture, fixture->stored_fd, fixture->stored_name);
    serve(fixture);
}

/* Did the next master get the very socket of the last one? */
static void assert_kept(struct fixture *fixture, const struct prong_address *address)
{
    struct listener *listener = take(fixture, 0);

    assert_non_null(listener);
    assert_true(prong_address_equal(&listener->address, address));
    assert_true(fixture->stored_fd >= 0);
    assert_int_equal(inode_of(listener->fd), inode_of(fixture->stored_fd));
}

/* --- Tests --- */

static void a_restart_keeps_the_handle_of_an_address(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "[::]:0"};
    struct fixture *fixture = *state;
    struct prong_address address;

    for (size_t i = 0; i < 3; i++) {
        fixture->listen.any_host = i == 2;
        want(fixture, addresses[i]);
        leave_one(fixture, &address);
        restart(fixture);
        assert_kept(fixture, &address);
        close(fixture->stored_fd);
        listeners_free(fixture->listeners);
        fixture->listeners = listeners_new();
    }
    fixture->stored_fd = -1;
}

static void a_restart_knows_which_of_several_handles_of_an_address_it_keeps(void **state)
{
    struct fixture *fixture = *state;
    struct listener *first, *second;
    ino_t inode;

    fixture->server.accept = CONFIG_ACCEPT_REUSEPORT;
    want(fixture, "127.0.0.1:0");
    assert_int_equal(listeners_count(fixture->listeners, &fixture->server, 0, 2), 2);
    first = take(fixture, 0);
    serve(fixture);
    close(fixture->stored_fd); /* the fixture keeps one: the second */
    second = take(fixture, 1);
    serve(fixture);
    inode = inode_of(second->fd);
    assert_int_not_equal(inode_of(first->fd), inode);
    assert_int_equal(first->address.port, second->address.port);
    listeners_free(fixture->listeners);
    fixture->listeners = listeners_new();
    restart(fixture);
    assert_null(listeners_find(fixture->listeners, &fixture->server, 0, 0));
    second = listeners_find(fixture->listeners, &fixture->server, 0, 1);
    assert_non_null(second);
    assert_int_equal(inode_of(second->fd), inode);
}

static void a_port_that_was_picked_fits_where_it_is_written_out(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;

    want(fixture, "127.0.0.1:0");
    leave_one(fixture, &address);
    fixture->listen.address = address;
    restart(fixture);
    assert_int_equal(fixture->stored_fd, -1);
    assert_non_null(take(fixture, 0));
}

static void the_file_of_a_kept_unix_socket_stays(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;
    char text[128];

    snprintf(text, sizeof(text), "unix:%s", fixture->path);
    want(fixture, text);
    leave_one(fixture, &address);
    assert_int_equal(access(fixture->path, F_OK), 0);
    restart(fixture);
    assert_kept(fixture, &address);
}

static void a_file_that_was_replaced_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;
    char text[128];

    snprintf(text, sizeof(text), "unix:%s", fixture->path);
    want(fixture, text);
    leave_one(fixture, &address);
    assert_int_equal(unlink(fixture->path), 0);
    restart(fixture);
    assert_int_equal(fixture->stored_fd, -1);
    assert_non_null(take(fixture, 0));
    assert_int_equal(access(fixture->path, F_OK), 0);
}

static void other_options_make_another_handle(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;
    char text[128];

    snprintf(text, sizeof(text), "unix:%s", fixture->path);
    want(fixture, text);
    fixture->server.socket_mode = 0600;
    leave_one(fixture, &address);
    fixture->server.socket_mode = 0666;
    restart(fixture);
    assert_int_equal(fixture->stored_fd, -1);

    want(fixture, "[::]:0");
    leave_one(fixture, &address);
    fixture->server.ipv6_only = true;
    restart(fixture);
    assert_int_equal(fixture->stored_fd, -1);
}

static void an_address_that_nobody_wants_is_dropped_with_its_file(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;
    char text[128];

    snprintf(text, sizeof(text), "unix:%s", fixture->path);
    want(fixture, text);
    leave_one(fixture, &address);
    want(fixture, "127.0.0.1:0");
    restart(fixture);
    assert_int_equal(fixture->stored_fd, -1);
    assert_int_equal(access(fixture->path, F_OK), -1);
}

static void a_reload_that_gives_an_address_up_drops_it(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener;

    want(fixture, "127.0.0.1:0");
    listener = take(fixture, 0);
    assert_non_null(listener);
    serve(fixture);
    assert_true(fixture->stored_fd >= 0);
    listeners_keep(fixture->listeners, false);
    listeners_release(fixture->listeners, listener);
    serve(fixture);
    assert_int_equal(fixture->stored_fd, -1);
}

static void a_name_that_makes_no_sense_is_dropped(void **state)
{
    static const char *const names[] = {"prongd/", "prongd/test", "prongd/test/0/1/2",
                                        "prongd/test/0/1/2/x", "prongd/test/0/1/2/3/4"};
    struct fixture *fixture = *state;
    struct prong_address address;
    int fd;

    assert_int_equal(prong_address_parse(&address, "127.0.0.1:0"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fd = move_up(prong_listen_open(&address, NULL));
        start_with(fixture, fd, names[i]);
        assert_int_equal(fcntl(FIRST, F_GETFD), -1);
        close(fd);
    }
}

static void a_socket_unit_gives_its_handles_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct prong_address address;
    struct listener *listener;
    int fd;

    assert_int_equal(prong_address_from_path(&address, fixture->path), 0);
    fd = move_up(prong_listen_open(&address, NULL));
    fixture->listen.given = "web";
    start_with(fixture, fd, "web");
    listener = take(fixture, 0);
    assert_non_null(listener);
    assert_int_equal(inode_of(listener->fd), inode_of(fd));
    assert_int_equal(listeners_count(fixture->listeners, &fixture->server, 0, 4), 1);
    assert_null(take(fixture, 1));

    /* It is systemd's: neither stored nor closed nor unlinked. */
    listeners_keep(fixture->listeners, false);
    listeners_release(fixture->listeners, listener);
    assert_ptr_equal(take(fixture, 0), listener);
    assert_int_equal(access(fixture->path, F_OK), 0);
    serve(fixture);
    assert_int_equal(fixture->stored_fd, -1);
    close(fd);
}

static void a_name_that_systemd_did_not_give_is_told(void **state)
{
    struct fixture *fixture = *state;

    fixture->listen.given = "web";
    received_adopt(fixture->listeners, &fixture->config);
    assert_null(take(fixture, 0));
    assert_non_null(strstr(fixture->problem, "\"web\""));
}

static void what_does_not_listen_is_not_taken(void **state)
{
    struct fixture *fixture = *state;
    int fd = move_up(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    fixture->listen.given = "web";
    start_with(fixture, fd, "web");
    assert_null(take(fixture, 0));
    assert_int_equal(fcntl(FIRST, F_GETFD), -1);
    close(fd);
}

int main(void)
{
    closefrom(FIRST); /* whoever runs the tests may have left something there */
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_restart_keeps_the_handle_of_an_address),
        TEST(a_restart_knows_which_of_several_handles_of_an_address_it_keeps),
        TEST(a_port_that_was_picked_fits_where_it_is_written_out),
        TEST(the_file_of_a_kept_unix_socket_stays),
        TEST(a_file_that_was_replaced_is_noticed),
        TEST(other_options_make_another_handle),
        TEST(an_address_that_nobody_wants_is_dropped_with_its_file),
        TEST(a_reload_that_gives_an_address_up_drops_it),
        TEST(a_name_that_makes_no_sense_is_dropped),
        TEST(a_socket_unit_gives_its_handles_by_name),
        TEST(a_name_that_systemd_did_not_give_is_told),
        TEST(what_does_not_listen_is_not_taken),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
