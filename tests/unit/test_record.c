/* SPDX-License-Identifier: MIT
 *
 * Records as bytes: what is written is read again, and nothing else is believed.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <prongd/handler.h>

static int allocations_left = -1; /* of malloc(); -1: no limit */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return __real_malloc(size);
}

/* Where the fields of the head stand. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_STATE_SIZE = 28,
    AT_IMAGE_SIZE = 32,
    AT_TRAIL_END = 72,
    AT_TRAIL_STEPS = 73,
    AT_SERVER = 128,
    AT_HANDLER = 192,
    HEAD_SIZE = 256
};

static uint8_t *copy_of(const char *text)
{
    uint8_t *copy = malloc(strlen(text));

    memcpy(copy, text, strlen(text));
    return copy;
}

static struct record full_record(void)
{
    struct record record = {
        .id = UINT64_C(0x123456789abcdef),
        .opened_ds = 4711,
        .place = {.ring = 12, .position = 34},
        .moves = 3,
        .state_version = 9,
        .server = "echo",
        .handler = "echo",
        .state = copy_of("state"),
        .state_size = 5,
        .image = {.fd = open("/dev/null", O_RDWR | O_CLOEXEC),
                  .bytes_read = 100,
                  .bytes_written = 200,
                  .local.family = AF_INET,
                  .remote.family = AF_INET,
                  .unread = copy_of("unread"),
                  .unread_size = 6,
                  .unsent = copy_of("unsent!"),
                  .unsent_size = 7},
    };

    return record;
}

static uint8_t *full_bytes(size_t *size)
{
    struct record record = full_record();
    uint8_t *bytes = record_encode(&record, size);

    assert_non_null(bytes);
    assert_int_equal(*size, record_size(&record));
    record_clear(&record);
    return bytes;
}

static int decode_with(struct record *record, const uint8_t *bytes, size_t size, const int *fds,
                       size_t fd_count)
{
    struct record_bytes all = {.bytes = bytes, .size = size, .fds = fds, .fd_count = fd_count};

    return record_decode(record, &all);
}

/* What a reader says to these bytes; the descriptor is taken on success alone. */
static int decode(const uint8_t *bytes, size_t size)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint8_t *exact = malloc(size > 0 ? size : 1); /* a sanitizer sees a step too far */
    struct record record;
    int error;

    memcpy(exact, bytes, size);
    error = decode_with(&record, exact, size, &fd, 1);
    free(exact);
    if (error == 0) {
        assert_int_equal(record.image.fd, fd);
        record_clear(&record);
    } else {
        assert_int_equal(record.image.fd, -1);
        assert_null(record.state);
        assert_int_equal(close(fd), 0);
    }
    return error;
}

static void a_record_survives_as_bytes(void **state)
{
    struct record record;
    size_t size;
    uint8_t *bytes = full_bytes(&size);
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_int_equal(decode_with(&record, bytes, size, &fd, 1), 0);
    assert_true(record.id == UINT64_C(0x123456789abcdef));
    assert_int_equal(record.opened_ds, 4711);
    assert_int_equal(record.place.ring, 12);
    assert_int_equal(record.place.position, 34);
    assert_int_equal(record.moves, 3);
    assert_int_equal(record.state_version, 9);
    assert_string_equal(record.server, "echo");
    assert_string_equal(record.handler, "echo");
    assert_int_equal(record.state_size, 5);
    assert_memory_equal(record.state, "state", 5);
    assert_int_equal(record.image.fd, fd);
    assert_int_equal(record.image.bytes_written, 200);
    assert_memory_equal(record.image.unread, "unread", 6);
    assert_memory_equal(record.image.unsent, "unsent!", 7);
    record_clear(&record);
    free(bytes);
}

static void a_record_of_another_version_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t at = AT_MAGIC; at < AT_VERSION + sizeof(uint32_t); at++) {
        bytes[at] ^= 0x10;
        assert_int_equal(decode(bytes, size), -EPROTO);
        bytes[at] ^= 0x10;
    }
    assert_int_equal(decode(bytes, size), 0);
    free(bytes);
}

static void a_record_that_is_cut_or_too_long_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t length = 0; length < size; length++)
        assert_int_equal(decode(bytes, length), -EPROTO);
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    assert_int_equal(decode(bytes, size + 1), -EPROTO);
    free(bytes);
}

static void lengths_that_lie_are_refused(void **state)
{
    static const struct {
        uint32_t state_size, image_size; /* added to the right ones */
    } lies[] = {
        {1, 0},
        {0, 1},
        {UINT32_MAX, 0},
        {0, UINT32_MAX},
        {UINT32_MAX, UINT32_MAX},
        {1, UINT32_MAX}, /* their sum is right; what is behind them is not */
        {UINT32_MAX, 1},
        {0x80000000U, 0x80000000U},
        {PRONGD_STATE_MAX, 0},
        {(uint32_t)-5, 5}, /* no state: all of it would be an image */
    };
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint32_t sizes[2], spoilt[2];

        memcpy(sizes, bytes + AT_STATE_SIZE, sizeof(sizes));
        spoilt[0] = sizes[0] + lies[i].state_size;
        spoilt[1] = sizes[1] + lies[i].image_size;
        memcpy(bytes + AT_STATE_SIZE, spoilt, sizeof(spoilt));
        assert_int_equal(decode(bytes, size), -EPROTO);
        memcpy(bytes + AT_STATE_SIZE, sizes, sizeof(sizes));
    }
    assert_int_equal(decode(bytes, size), 0);
    free(bytes);
}

static void names_without_an_end_are_refused(void **state)
{
    static const size_t places[] = {AT_SERVER, AT_HANDLER};
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint8_t name[64];

        memcpy(name, bytes + places[i], sizeof(name));
        memset(bytes + places[i], 'x', sizeof(name));
        assert_int_equal(decode(bytes, size), -EPROTO);
        memcpy(bytes + places[i], name, sizeof(name));
    }
    free(bytes);
}

static void a_trail_that_makes_no_sense_is_refused(void **state)
{
    static const size_t places[] = {AT_TRAIL_END, AT_TRAIL_STEPS};
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint8_t value = bytes[places[i]];

        bytes[places[i]] = 200;
        assert_int_equal(decode(bytes, size), -EPROTO);
        bytes[places[i]] = value;
    }
    free(bytes);
}

static void a_trail_travels(void **state)
{
    struct record record = full_record(), copy;
    uint8_t *bytes;
    size_t size;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    record.trail =
        (struct trail){.opened_ms = 12345, .stalled_at = {7, 8}, .stalled_ds = {9, 10}, .end = 1};
    for (uint32_t i = 0; i < TRAIL_STEPS + 2; i++)
        trail_add(&record.trail, &(struct trail_step){.generation = i, .slot = 2 * i, .at_ds = 99});
    bytes = record_encode(&record, &size);
    assert_non_null(bytes);
    assert_int_equal(record_decode(&copy, &(struct record_bytes){bytes, size, &fd, 1}), 0);
    assert_memory_equal(&copy.trail, &record.trail, sizeof(copy.trail));
    assert_int_equal(copy.trail.step_count, TRAIL_STEPS);
    assert_int_equal(copy.trail.steps[0].generation, 2);
    record_clear(&copy);
    record_clear(&record);
    free(bytes);
}

static void as_much_state_as_a_handler_may_save_and_no_more(void **state)
{
    struct record record = full_record();
    uint8_t *bytes;
    size_t size;

    (void)state;
    free(record.state);
    record.state = calloc(1, PRONGD_STATE_MAX + 1);
    record.state_size = PRONGD_STATE_MAX;
    bytes = record_encode(&record, &size);
    assert_int_equal(decode(bytes, size), 0);
    free(bytes);
    record.state_size++;
    bytes = record_encode(&record, &size);
    assert_int_equal(decode(bytes, size), -EPROTO);
    free(bytes);
    record_clear(&record);
}

static void no_changed_bit_makes_a_reader_stumble(void **state)
{
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    for (size_t bit = 0; bit < size * 8; bit++) {
        int error;

        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        error = decode(bytes, size);
        assert_true(error == 0 || error == -EPROTO);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    free(bytes);
}

static void a_record_needs_a_descriptor(void **state)
{
    static const int none = -1;
    struct record record;
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    assert_int_equal(decode_with(&record, bytes, size, &none, 1), -EBADF);
    assert_int_equal(decode_with(&record, bytes, size, &none, 0), -EPROTO);
    record_clear(&record);
    free(bytes);
}

static void without_memory_nothing_is_read_or_written(void **state)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct record record = full_record(), other;
    size_t size;
    uint8_t *bytes = full_bytes(&size);

    (void)state;
    allocations_left = 0;
    assert_null(record_encode(&record, &size));
    size = record_size(&record);
    for (allocations_left = 0; allocations_left < 3;) {
        int budget = allocations_left;

        assert_int_equal(decode_with(&other, bytes, size, &fd, 1), -ENOMEM);
        allocations_left = budget + 1;
    }
    assert_int_equal(decode_with(&other, bytes, size, &fd, 1), 0);
    allocations_left = -1;
    record_clear(&other);
    record_clear(&record);
    free(bytes);
}

static void clearing_twice_is_harmless(void **state)
{
    struct record record = full_record();

    (void)state;
    record_clear(&record);
    record_clear(&record);
    assert_int_equal(record.image.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_survives_as_bytes),
        cmocka_unit_test(a_record_of_another_version_is_refused),
        cmocka_unit_test(a_record_that_is_cut_or_too_long_is_refused),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(names_without_an_end_are_refused),
        cmocka_unit_test(a_trail_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_trail_travels),
        cmocka_unit_test(as_much_state_as_a_handler_may_save_and_no_more),
        cmocka_unit_test(no_changed_bit_makes_a_reader_stumble),
        cmocka_unit_test(a_record_needs_a_descriptor),
        cmocka_unit_test(without_memory_nothing_is_read_or_written),
        cmocka_unit_test(clearing_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
