/* SPDX-License-Identifier: MIT
 *
 * What a program's environment says of its connection.
 */
#include "environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "job.h"

static char *const configured[] = {(char *)(uintptr_t) "PATH=/bin",
                                   (char *)(uintptr_t) "PROTO=mine", NULL};

static struct prong_address address(const char *ip, uint16_t port)
{
    struct prong_address result;

    assert_int_equal(prong_address_from_ip(&result, ip, port), 0);
    return result;
}

/* The only value of the name: of two a shell takes the last, getenv() the first.  NULL: none. */
static const char *find(char **list, const char *name)
{
    size_t length = strlen(name);
    const char *value = NULL;

    for (size_t i = 0; list[i] != NULL; i++) {
        if (strncmp(list[i], name, length) != 0 || list[i][length] != '=')
            continue;
        assert_null(value);
        value = list[i] + length + 1;
    }
    return value;
}

static int make(void **state)
{
    *state = environment_new(configured);
    return *state == NULL ? -1 : 0;
}

static int clear(void **state)
{
    environment_free(*state);
    return 0;
}

static void a_client_of_ipv4_is_told_as_tcpserver_tells_it(void **state)
{
    const struct job job = {
        .local = address("127.0.0.1", 25), .remote = address("10.1.2.3", 40000), .fd = -1};
    char **list = environment_of(*state, &job);

    assert_string_equal(find(list, "PROTO"), "TCP");
    assert_string_equal(find(list, "TCPLOCALIP"), "127.0.0.1");
    assert_string_equal(find(list, "TCPLOCALPORT"), "25");
    assert_string_equal(find(list, "TCPREMOTEIP"), "10.1.2.3");
    assert_string_equal(find(list, "TCPREMOTEPORT"), "40000");
    assert_string_equal(find(list, "TCP6REMOTEIP"), "::ffff:10.1.2.3");
    assert_null(find(list, "TCPREMOTEHOST"));
    assert_null(find(list, "TCPREMOTEINFO"));
    assert_null(find(list, "TCP6INTERFACE"));
    assert_string_equal(find(list, "PATH"), "/bin");
}

static void a_mapped_address_is_one_of_ipv4(void **state)
{
    const struct job job = {.local = address("::ffff:127.0.0.1", 25),
                            .remote = address("::ffff:10.1.2.3", 40000),
                            .fd = -1};
    char **list = environment_of(*state, &job);

    assert_string_equal(find(list, "PROTO"), "TCP");
    assert_string_equal(find(list, "TCPREMOTEIP"), "10.1.2.3");
    assert_string_equal(find(list, "TCP6REMOTEIP"), "::ffff:10.1.2.3");
}

static void a_client_of_ipv6_comes_without_brackets(void **state)
{
    struct job job = {
        .local = address("fe80::1", 25), .remote = address("fe80::2", 40000), .fd = -1};
    char **list;

    job.remote.scope = 1;
    list = environment_of(*state, &job);
    assert_string_equal(find(list, "PROTO"), "TCP6");
    assert_string_equal(find(list, "TCPREMOTEIP"), "fe80::2");
    assert_string_equal(find(list, "TCP6REMOTEIP"), "fe80::2");
    assert_string_equal(find(list, "TCP6INTERFACE"), "lo");
}

static void a_unix_client_is_told_with_its_credentials(void **state)
{
    struct job job = {.local = {.family = AF_UNIX}};
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    char number[16], **list;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    snprintf(own.sun_path + 1, sizeof(own.sun_path) - 1, "prong-%d", (int)getpid());
    assert_int_equal(
        bind(fds[0], (struct sockaddr *)&own,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(own.sun_path + 1))),
        0);
    job.fd = fds[0];
    list = environment_of(*state, &job);
    assert_string_equal(find(list, "PROTO"), "UNIX");
    assert_int_equal(*find(list, "UNIXLOCALPATH"), '@');
    assert_string_equal(find(list, "UNIXLOCALPATH") + 1, own.sun_path + 1);
    snprintf(number, sizeof(number), "%d", (int)getpid());
    assert_string_equal(find(list, "UNIXREMOTEPID"), number);
    snprintf(number, sizeof(number), "%u", getuid());
    assert_string_equal(find(list, "UNIXREMOTEEUID"), number);
    assert_null(find(list, "TCPREMOTEIP"));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_of_ipv4_is_told_as_tcpserver_tells_it, make,
                                        clear),
        cmocka_unit_test_setup_teardown(a_mapped_address_is_one_of_ipv4, make, clear),
        cmocka_unit_test_setup_teardown(a_client_of_ipv6_comes_without_brackets, make, clear),
        cmocka_unit_test_setup_teardown(a_unix_client_is_told_with_its_credentials, make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
