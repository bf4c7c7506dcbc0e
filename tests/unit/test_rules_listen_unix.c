/* SPDX-License-Identifier: MIT
 *
 * The rules of listening on a unix socket, R15 to R20.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- A folder of the test's own --- */

static char folder[64];
static char path[PRONG_PATH_SIZE];

static int listen_error; /* what listen(2) says; linked with --wrap */

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);

int __wrap_listen(int fd, int backlog)
{
    if (listen_error == 0)
        return __real_listen(fd, backlog);
    errno = listen_error;
    return -1;
}

static int set_up(void **state)
{
    const char *parent = getenv("TMPDIR");

    listen_error = 0;
    snprintf(folder, sizeof(folder), "%s/prong-XXXXXX",
             parent != NULL && strlen(parent) < 40 ? parent : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    return net_setup(state);
}

static int tear_down(void **state)
{
    net_teardown(state);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static struct prong_address at(const char *text)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_path(&address, text), 0);
    return address;
}

static void listen_at(struct net *net, const char *text, const struct prong_listen_options *options)
{
    struct prong_address address = at(text);

    assert_int_equal(prong_server_listen_address(net->server, &address, options), 0);
}

/* The server cannot, for this reason. */
static void assert_refused(struct net *net, const char *text,
                           const struct prong_listen_options *options, int code)
{
    struct prong_address address = at(text);

    forget(&net->listener);
    listen_at(net, text, options);
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, code);
    assert_string_equal(net->listener.error.syscall, "listen");
    assert_true(prong_address_equal(&net->listener.error.address, &address));
}

static mode_t mode_of(const char *name)
{
    struct stat status;

    assert_int_equal(lstat(name, &status), 0);
    return status.st_mode & 07777;
}

static bool exists(const char *name)
{
    struct stat status;

    return lstat(name, &status) == 0;
}

/* Binds, and listens if `backlog` >= 0; the file stays when the descriptor is closed. */
static int raw_unix(int backlog)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memcpy(name.sun_path, path, sizeof(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void make_ordinary_file(void)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    close(fd);
}

/* --- Rights --- */

static void r015_the_file_has_the_mode_that_umask_leaves(void **state)
{
    struct net *net = *state;
    mode_t old = umask(022);

    listen_at(net, path, NULL);
    assert_int_equal(mode_of(path), 0755);
    prong_server_close(net->server);
    umask(077);
    listen_at(net, path, NULL);
    assert_int_equal(mode_of(path), 0700);
    umask(old);
}

static void r015_or_the_mode_and_owner_of_the_options(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.mode = 0777;
    options.owner = getuid();
    options.group = getgid();
    listen_at(net, path, &options);
    assert_int_equal(mode_of(path), 0777);
}

/* Linked with --wrap: lchown(2) refuses, as it does to everybody but root. */
int __wrap_lchown(const char *name, uid_t owner, gid_t group);

int __wrap_lchown(const char *name, uid_t owner, gid_t group)
{
    (void)name;
    (void)group;
    if (owner == getuid())
        return 0;
    errno = EPERM;
    return -1;
}

/* The same for modes that nobody has. */
int __real_fchmodat(int folder_fd, const char *name, mode_t mode, int flags);
int __wrap_fchmodat(int folder_fd, const char *name, mode_t mode, int flags);

int __wrap_fchmodat(int folder_fd, const char *name, mode_t mode, int flags)
{
    if ((mode & 07000) == 0)
        return __real_fchmodat(folder_fd, name, mode, flags);
    errno = EPERM;
    return -1;
}

static void r015_rights_that_may_not_be_given_leave_no_file(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.mode = 04777;
    assert_refused(net, path, &options, -EPERM);
    assert_false(exists(path));
    options.mode = 0;
    options.owner = getuid() + 1;
    assert_refused(net, path, &options, -EPERM);
    assert_false(exists(path));
}

static void r015_a_path_in_use_is_a_plain_failure_with_a_mode_too(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;
    int fd = raw_unix(1);

    prong_listen_options_init(&options);
    options.mode = 0777;
    assert_refused(net, path, &options, -EADDRINUSE);
    assert_true(exists(path));
    close(fd);
}

/* --- What stands there already --- */

static void r016_whatever_stands_there_is_in_use(void **state)
{
    struct net *net = *state;
    int fd = raw_unix(1);

    assert_refused(net, path, NULL, -EADDRINUSE); /* a live socket */
    close(fd);
    assert_refused(net, path, NULL, -EADDRINUSE); /* a stale one */
    unlink(path);
    make_ordinary_file();
    assert_refused(net, path, NULL, -EADDRINUSE);
    assert_true(exists(path));
}

static void r016_a_socket_where_nobody_answers_can_be_taken_over(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    close(raw_unix(1));
    prong_listen_options_init(&options);
    options.take_over = true;
    listen_at(net, path, &options);
    run_until(net, &net->listener, "listening");
    assert_true(prong_server_is_listening(net->server));
}

static void r016_but_not_one_where_somebody_does(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;
    struct prong_address address = at(path);
    int fd = raw_unix(0), clients[4];

    prong_listen_options_init(&options);
    options.take_over = true;
    assert_refused(net, path, &options, -EADDRINUSE);
    /* Also when its backlog is full: that is an answer. */
    for (size_t i = 0; i < 4; i++) {
        struct sockaddr_storage storage;
        socklen_t length;

        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), 0);
        (void)connect(clients[i], (struct sockaddr *)&storage, length);
    }
    assert_refused(net, path, &options, -EADDRINUSE);
    assert_true(exists(path));
    for (size_t i = 0; i < 4; i++)
        close(clients[i]);
    close(fd);
}

static void r016_an_ordinary_file_is_never_removed(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    make_ordinary_file();
    prong_listen_options_init(&options);
    options.take_over = true;
    assert_refused(net, path, &options, -EADDRINUSE);
    assert_int_equal(mode_of(path), 0644);
}

/* --- Whose file it is --- */

static void r017_close_removes_the_file(void **state)
{
    struct net *net = *state;

    listen_at(net, path, NULL);
    assert_true(exists(path));
    assert_int_equal(prong_server_close(net->server), 0);
    assert_false(exists(path));
    listen_at(net, path, NULL);
    prong_server_free(net->server);
    net->server = NULL;
    assert_false(exists(path));
}

static void r017_the_file_is_removed_only_while_it_is_ours(void **state)
{
    struct net *net = *state;
    int successor;

    listen_at(net, path, NULL);
    assert_int_equal(unlink(path), 0);
    successor = raw_unix(1);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_true(exists(path));
    close(successor);
}

static void r017_the_file_stays_when_the_options_say_so(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.keep_file = true;
    listen_at(net, path, &options);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_true(exists(path));
}

static void r017_a_failed_listen_leaves_no_file(void **state)
{
    struct net *net = *state;

    listen_error = EADDRINUSE;
    assert_refused(net, path, NULL, -EADDRINUSE);
    assert_false(exists(path));
}

/* --- Names --- */

static void r018_a_path_that_is_too_long_is_refused_not_cut(void **state)
{
    struct prong_address address;
    char text[200];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[PRONG_PATH_SIZE] = '\0';
    assert_int_equal(prong_address_from_path(&address, text), -ENAMETOOLONG);
    text[PRONG_PATH_SIZE - 1] = '\0';
    assert_int_equal(prong_address_from_path(&address, text), 0);
    assert_int_equal(address.path_size, PRONG_PATH_SIZE - 1);
}

static void r018_the_longest_path_works(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    size_t length = strlen(path);

    memset(path + length, 'x', sizeof(path) - 1 - length);
    path[sizeof(path) - 1] = '\0';
    listen_at(net, path, NULL);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_equal(address.path_size, PRONG_PATH_SIZE - 1);
    prong_server_close(net->server);
    assert_false(exists(path));
}

static void r019_a_missing_folder_is_told_as_what_it_is(void **state)
{
    struct net *net = *state;
    char missing[PRONG_PATH_SIZE];

    snprintf(missing, sizeof(missing), "%s/none/s", folder);
    assert_refused(net, missing, NULL, -ENOENT);
}

static void r020_an_abstract_name_has_no_file(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    char name[64];

    snprintf(name, sizeof(name), "@prong-test-%d", getpid());
    listen_at(net, name, NULL);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_equal(address.path_size, strlen(name));
    assert_int_equal(address.path[0], '\0');
    assert_memory_equal(address.path + 1, name + 1, strlen(name) - 1);
}

static void r020_and_takes_neither_mode_nor_owner(void **state)
{
    struct net *net = *state;
    struct prong_address address = at("@prong-test");
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.mode = 0600;
    assert_int_equal(prong_server_listen_address(net->server, &address, &options), -EINVAL);
    options.mode = 0;
    options.owner = getuid();
    assert_int_equal(prong_server_listen_address(net->server, &address, &options), -EINVAL);
    options.owner = (uid_t)-1;
    options.group = getgid();
    assert_int_equal(prong_listen_open(&address, &options), -EINVAL);
    run_idle(net);
    assert_events(&net->listener, "");
}

static void r023_the_address_of_a_unix_server_is_its_path(void **state)
{
    struct net *net = *state;
    struct prong_address address, expected = at(path);

    listen_at(net, path, NULL);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_true(prong_address_equal(&address, &expected));
    prong_server_close(net->server);
    assert_int_equal(prong_server_address(net->server, &address), -ENOTCONN);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    TEST(r015_the_file_has_the_mode_that_umask_leaves),
    TEST(r015_or_the_mode_and_owner_of_the_options),
    TEST(r015_rights_that_may_not_be_given_leave_no_file),
    TEST(r015_a_path_in_use_is_a_plain_failure_with_a_mode_too),
    TEST(r016_whatever_stands_there_is_in_use),
    TEST(r016_a_socket_where_nobody_answers_can_be_taken_over),
    TEST(r016_but_not_one_where_somebody_does),
    TEST(r016_an_ordinary_file_is_never_removed),
    TEST(r017_close_removes_the_file),
    TEST(r017_the_file_is_removed_only_while_it_is_ours),
    TEST(r017_the_file_stays_when_the_options_say_so),
    TEST(r017_a_failed_listen_leaves_no_file),
    TEST(r018_a_path_that_is_too_long_is_refused_not_cut),
    TEST(r018_the_longest_path_works),
    TEST(r019_a_missing_folder_is_told_as_what_it_is),
    TEST(r020_an_abstract_name_has_no_file),
    TEST(r020_and_takes_neither_mode_nor_owner),
    TEST(r023_the_address_of_a_unix_server_is_its_path),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
