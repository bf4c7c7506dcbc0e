/* SPDX-License-Identifier: MIT
 *
 * Images: as bytes and back, what a reader refuses, and what attach does with a bad one.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linked with --wrap: the n-th allocation from now on fails; -1: none. */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool may_allocate(void)
{
    if (allocations_left < 0 || allocations_left-- > 0)
        return true;
    errno = ENOMEM;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

static uint8_t *copy(const char *bytes, size_t size)
{
    uint8_t *result = malloc(size);

    assert_non_null(result);
    memcpy(result, bytes, size);
    return result;
}

/* An image in which no member is zero, and a descriptor that is its own. */
static struct prong_socket_image full_image(void)
{
    struct prong_socket_image image = {
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .unread = copy("unread", 6),
        .unread_size = 6,
        .unsent = copy("unsent bytes", 12),
        .unsent_size = 12,
        .bytes_read = UINT64_C(0x1122334455667788),
        .bytes_written = 22,
        .timeout_ms = 3000,
        .timeout_left_ms = 1234,
        .high_water_mark = 77,
        .allow_half_open = true,
        .paused = true,
        .peer_ended = true,
        .end_delivered = true,
        .ending = true,
        .destroy_soon = true,
        .need_drain = true,
        .corked = 3,
        .unref = true,
        .no_delay = true,
        .keep_alive = {.enabled = true, .idle_s = 5, .interval_s = 6, .count = 7},
        .user_timeout_ms = 9,
    };

    assert_true(image.fd >= 0);
    assert_int_equal(prong_address_from_ip(&image.local, "192.0.2.1", 80), 0);
    assert_int_equal(prong_address_from_ip(&image.remote, "192.0.2.2", 4711), 0);
    return image;
}

static struct prong_socket_image plain_image(void)
{
    struct prong_socket_image image = {
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .local.family = AF_UNIX,
        .remote.family = AF_UNIX,
    };

    assert_true(image.fd >= 0);
    return image;
}

static size_t encode(const struct prong_socket_image *image, uint8_t buffer[4096])
{
    size_t size = prong_socket_image_encode(image, buffer, 4096);

    assert_true(size <= 4096);
    return size;
}

static int decode_any(const uint8_t *bytes, size_t size)
{
    struct prong_socket_image image;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int error;

    assert_true(fd >= 0);
    error = prong_socket_image_decode(&image, bytes, size, fd);
    if (error == 0) {
        prong_socket_image_clear(&image);
        return 0;
    }
    /* It is not taken, and there is nothing to free. */
    assert_int_equal(image.fd, -1);
    assert_null(image.unread);
    assert_null(image.unsent);
    assert_int_equal(close(fd), 0);
    return error;
}

static void r146_an_image_survives_as_bytes(void **state)
{
    struct prong_socket_image image = full_image(), again;
    uint8_t bytes[4096], bytes_again[4096];
    size_t size = encode(&image, bytes);
    int fd = image.fd;

    (void)state;
    assert_int_equal(prong_socket_image_decode(&again, bytes, size, image.fd), 0);
    image.fd = -1;
    prong_socket_image_clear(&image);
    assert_int_equal(encode(&again, bytes_again), size);
    assert_memory_equal(bytes_again, bytes, size);
    assert_int_equal(again.fd, fd);
    assert_int_equal(again.bytes_read, UINT64_C(0x1122334455667788));
    assert_int_equal(again.timeout_left_ms, 1234);
    assert_int_equal(again.corked, 3);
    assert_true(again.destroy_soon && again.end_delivered && again.unref);
    assert_false(again.finished);
    assert_int_equal(again.keep_alive.count, 7);
    assert_int_equal(again.user_timeout_ms, 9);
    assert_int_equal(again.remote.port, 4711);
    assert_int_equal(again.unread_size, 6);
    assert_memory_equal(again.unread, "unread", 6);
    assert_memory_equal(again.unsent, "unsent bytes", 12);
    prong_socket_image_clear(&again);
}

static void encoding_into_too_little_room_tells_how_much_it_takes(void **state)
{
    struct prong_socket_image image = full_image();
    uint8_t bytes[4096], untouched[4096];
    size_t size = prong_socket_image_encode(&image, NULL, 0);

    (void)state;
    memset(bytes, 0x55, sizeof(bytes));
    memset(untouched, 0x55, sizeof(untouched));
    assert_int_equal(prong_socket_image_encode(&image, bytes, size - 1), size);
    assert_memory_equal(bytes, untouched, sizeof(bytes));
    assert_int_equal(prong_socket_image_encode(&image, bytes, size), size);
    assert_memory_equal(bytes + size, untouched, sizeof(bytes) - size);
    prong_socket_image_clear(&image);
}

static void an_image_that_is_cut_or_too_long_is_refused(void **state)
{
    struct prong_socket_image image = full_image();
    uint8_t bytes[4096] = {0};
    size_t size = encode(&image, bytes);

    (void)state;
    for (size_t length = 0; length < size; length++)
        assert_int_equal(decode_any(bytes, length), -EPROTO);
    assert_int_equal(decode_any(bytes, size), 0);
    assert_int_equal(decode_any(bytes, size + 1), -EPROTO);
    prong_socket_image_clear(&image);
}

static void an_image_of_another_version_is_refused(void **state)
{
    struct prong_socket_image image = full_image();
    uint8_t bytes[4096];
    size_t size = encode(&image, bytes);

    (void)state;
    for (size_t i = 0; i < sizeof(uint32_t); i++) {
        bytes[i] ^= 0x80;
        assert_int_equal(decode_any(bytes, size), -EPROTO);
        bytes[i] ^= 0x80;
    }
    prong_socket_image_clear(&image);
}

static void no_changed_byte_makes_a_reader_stumble(void **state)
{
    struct prong_socket_image image = full_image();
    uint8_t bytes[4096];
    size_t size = encode(&image, bytes);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            int error;

            bytes[i] ^= (uint8_t)(1U << bit);
            error = decode_any(bytes, size);
            assert_true(error == 0 || error == -EPROTO);
            bytes[i] ^= (uint8_t)(1U << bit);
        }
    }
    prong_socket_image_clear(&image);
}

/* --- Combinations that no socket gets into --- */

static void set_no_family(struct prong_socket_image *image)
{
    image->remote.family = image->local.family = 0;
}

static void set_two_families(struct prong_socket_image *image)
{
    image->remote.family = AF_INET6;
}

static void set_end_without_peer(struct prong_socket_image *image)
{
    image->peer_ended = false;
}

static void set_finished_without_end(struct prong_socket_image *image)
{
    image->ending = image->destroy_soon = false;
    image->finished = true;
    image->unsent_size = 0;
}

static void set_finished_with_bytes(struct prong_socket_image *image)
{
    image->finished = true;
}

static void set_destroy_without_end(struct prong_socket_image *image)
{
    image->ending = false;
}

static void set_left_without_timeout(struct prong_socket_image *image)
{
    image->timeout_ms = 0;
}

static void an_image_that_makes_no_sense_is_refused(void **state)
{
    static void (*const spoil[])(struct prong_socket_image *) = {
        set_no_family,
        set_two_families,
        set_end_without_peer,
        set_finished_without_end,
        set_finished_with_bytes,
        set_destroy_without_end,
        set_left_without_timeout,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
        struct prong_socket_image image = full_image();
        uint8_t bytes[4096];

        assert_int_equal(decode_any(bytes, encode(&image, bytes)), 0);
        spoil[i](&image);
        assert_int_equal(decode_any(bytes, encode(&image, bytes)), -EPROTO);
        prong_socket_image_clear(&image);
    }
}

static void more_unread_bytes_than_one_read_gives_are_refused(void **state)
{
    struct prong_socket_image image = plain_image(), again;
    size_t size;
    uint8_t *bytes;

    (void)state;
    image.unread_size = PRONG_READ_SIZE + 1;
    image.unread = calloc(1, image.unread_size);
    size = prong_socket_image_encode(&image, NULL, 0);
    bytes = malloc(size);
    assert_int_equal(prong_socket_image_encode(&image, bytes, size), size);
    assert_int_equal(prong_socket_image_decode(&again, bytes, size, image.fd), -EPROTO);
    image.unread_size--;
    assert_int_equal(prong_socket_image_encode(&image, bytes, size), size - 1);
    assert_int_equal(decode_any(bytes, size - 1), 0);
    prong_socket_image_clear(&image);
    free(bytes);
}

static void an_image_needs_a_descriptor(void **state)
{
    struct prong_socket_image image = full_image(), again;
    uint8_t bytes[4096];
    size_t size = encode(&image, bytes);

    (void)state;
    assert_int_equal(prong_socket_image_decode(&again, bytes, size, -1), -EBADF);
    assert_int_equal(again.fd, -1);
    prong_socket_image_clear(&again);
    prong_socket_image_clear(&image);
}

static void without_memory_nothing_is_decoded(void **state)
{
    struct prong_socket_image image = full_image(), again;
    uint8_t bytes[4096];
    size_t size = encode(&image, bytes);

    (void)state;
    for (int budget = 0; budget < 2; budget++) {
        allocations_left = budget;
        assert_int_equal(prong_socket_image_decode(&again, bytes, size, image.fd), -ENOMEM);
        allocations_left = -1;
        assert_int_equal(again.fd, -1);
        assert_null(again.unread);
    }
    prong_socket_image_clear(&image);
}

/* --- Attach --- */

static void attach_refuses_what_is_no_connection(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image = plain_image();
    int fd = image.fd;

    image.fd = -1;
    assert_null(prong_socket_attach(net->loop, NULL, &image, 0, NULL, NULL));
    assert_int_equal(errno, EBADF);
    image.fd = fd;
    image.remote.family = 0;
    assert_null(prong_socket_attach(net->loop, NULL, &image, 0, NULL, NULL));
    assert_int_equal(errno, EAFNOSUPPORT);
    image.remote.family = AF_UNIX;
    image.unread_size = PRONG_READ_SIZE + 1;
    assert_null(prong_socket_attach(net->loop, NULL, &image, 0, NULL, NULL));
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(image.fd, fd);
    image.unread_size = 0;
    prong_socket_image_clear(&image);
}

static void attach_without_memory_leaves_the_image_untouched(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image = full_image();
    struct prong_socket *socket = NULL;
    uint8_t before[4096], after[4096];
    size_t size = encode(&image, before);
    int budget = 0, fd = image.fd;

    for (; socket == NULL && budget < 20; budget++) {
        allocations_left = budget;
        socket = prong_socket_attach(net->loop, NULL, &image, 0, &recording, &net->client);
        allocations_left = -1;
        if (socket != NULL)
            break;
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(image.fd, fd);
        assert_int_equal(encode(&image, after), size);
        assert_memory_equal(after, before, size);
        assert_int_equal(prong_loop_objects(net->loop), 1); /* the server */
    }
    assert_true(budget > 3);
    assert_int_equal(image.fd, -1);
    assert_null(image.unread);
    prong_socket_destroy(socket, 0);
    run_until(net, &net->client, "close");
}

static void detach_without_memory_leaves_the_socket_alone(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    size_t size = 8 << 20;
    char *bytes = calloc(1, size);

    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->client.socket, bytes, size), 1);
    allocations_left = 0;
    assert_int_equal(prong_socket_detach(net->client.socket, &image), -ENOMEM);
    allocations_left = -1;
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, size);
    free(bytes);
}

static void clearing_an_empty_image_is_harmless(void **state)
{
    struct prong_socket_image image = {.fd = -1};

    (void)state;
    prong_socket_image_clear(&image);
    prong_socket_image_clear(&image);
    assert_int_equal(image.fd, -1);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    cmocka_unit_test(r146_an_image_survives_as_bytes),
    cmocka_unit_test(encoding_into_too_little_room_tells_how_much_it_takes),
    cmocka_unit_test(an_image_that_is_cut_or_too_long_is_refused),
    cmocka_unit_test(an_image_of_another_version_is_refused),
    cmocka_unit_test(no_changed_byte_makes_a_reader_stumble),
    cmocka_unit_test(an_image_that_makes_no_sense_is_refused),
    cmocka_unit_test(more_unread_bytes_than_one_read_gives_are_refused),
    cmocka_unit_test(an_image_needs_a_descriptor),
    cmocka_unit_test(without_memory_nothing_is_decoded),
    TEST(attach_refuses_what_is_no_connection),
    TEST(attach_without_memory_leaves_the_image_untouched),
    TEST(detach_without_memory_leaves_the_socket_alone),
    cmocka_unit_test(clearing_an_empty_image_is_harmless),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
