/* SPDX-License-Identifier: MIT
 *
 * Frames: what each kind cuts out of a stream, wherever the stream is torn, and what is kept of it.
 */
#include <prong/framing.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Linked with --wrap: does memory run out? */
static bool memory_is_short;

void *__real_realloc(void *bytes, size_t size);
void *__wrap_realloc(void *bytes, size_t size);

void *__wrap_realloc(void *bytes, size_t size)
{
    return memory_is_short ? NULL : __real_realloc(bytes, size);
}

/* --- The table --- */

struct row {
    enum prong_framing_kind kind;
    uint32_t limit;
    const char *input;
    size_t size;
    const char *expected; /* "<frame>" each, "+N" for N bytes that are kept, "!N" for errno N */
};

#define ROW(kind, limit, input, expected)                               \
    {                                                                   \
        PRONG_FRAMING_##kind, limit, input, sizeof(input) - 1, expected \
    }

static const struct row rows[] = {
    ROW(LINE, 9, "", ""),
    ROW(LINE, 9, "one\ntwo\r\n\n\r\nthree", "<one><two><><>+5"),
    ROW(LINE, 9, "a\rb\nc\r\r\n", "<a\rb><c\r>"),
    ROW(LINE, 9, "\0\0\n", "<..>"),
    ROW(LINE, 3, "abc\nabc\r\n", "<abc><abc>"),
    ROW(LINE, 3, "abc\r", "+4"),
    ROW(LINE, 3, "ok\nabcd", "<ok>!TOOBIG"),
    ROW(LINE, 3, "abcd\nok\n", "!TOOBIG"),
    ROW(LINE, 3, "abcd\r\n", "!TOOBIG"),
    ROW(LINE, 3, "abc\r\r\n", "!TOOBIG"),
    ROW(LINE, 3, "abc\rx\n", "!TOOBIG"),
    ROW(LINE, 0, "\n\r\n\n", "<><><>"),
    ROW(LINE, 0, "\nx", "<>!TOOBIG"),
    ROW(LF, 9, "one\ntwo\r\n\r", "<one><two\r>+1"),
    ROW(LF, 3, "ab\r\nabc\n", "<ab\r><abc>"),
    ROW(LF, 3, "abc\r\n", "!TOOBIG"),
    ROW(CRLF, 9, "one\r\n\r\nt\nw\ro\r\r\n\n", "<one><><t\nw\ro\r>+1"),
    ROW(CRLF, 3, "a\nb\r\n\n\n\n\r\n", "<a\nb><\n\n\n>"),
    ROW(CRLF, 3, "a\nbc\r\n", "!TOOBIG"),
    ROW(CRLF, 3, "abc\n", "!TOOBIG"),
    ROW(CRLF, 3, "abc\r\n", "<abc>"),
    ROW(U8, 255, "\3abc\0\1x\2y", "<abc><><x>+2"),
    ROW(U8, 3, "\3abc\4abcd", "<abc>!TOOBIG"),
    ROW(U16_BE, 9, "\0\3abc\0\0\0\1x\0", "<abc><><x>+1"),
    ROW(U16_BE, 256, "\1\1", "!TOOBIG"),
    ROW(U16_LE, 9, "\3\0abc\0\0\1\0x\2\0y", "<abc><><x>+3"),
    ROW(U16_LE, 256, "\1\1", "!TOOBIG"),
    ROW(U32_BE, 9, "\0\0\0\3abc\0\0\0\0\0\0\0", "<abc><>+3"),
    ROW(U32_BE, 9, "\0\0\1\0", "!TOOBIG"),
    ROW(U32_BE, PRONG_FRAMING_LIMIT_MAX, "\xff\xff\xff\xff", "!TOOBIG"),
    ROW(U32_LE, 9, "\3\0\0\0abc\0\0\0\0\1", "<abc><>+1"),
    ROW(U32_LE, PRONG_FRAMING_LIMIT_MAX, "\0\0\0\x40x", "+5"),
    ROW(VARINT, 9, "\3abc\0\1x\x83\0def\x82", "<abc><><x><def>+1"),
    ROW(VARINT, 9, "\x81\x80\x80\x80\0a\x80\1", "<a>!TOOBIG"),
    ROW(VARINT, 9, "\x81\x80\x80\x80\x80\0a", "!PROTO"),
    ROW(VARINT, PRONG_FRAMING_LIMIT_MAX, "\xff\xff\xff\xff\x0f", "!TOOBIG"),
    ROW(VARINT, 300, "\xac\2", "+2"),
    ROW(FIXED, 3, "abcdef\n\r", "<abc><def>+2"),
    ROW(FIXED, 1, "abc", "<a><b><c>"),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* --- A stream that is cut --- */

struct stream {
    struct prong_framing_options options;
    struct prong_framing framing;
    char text[512];
    size_t used;
    bool moves; /* between its pieces */
};

static void add(struct stream *stream, char letter)
{
    assert_true(stream->used < sizeof(stream->text) - 1);
    stream->text[stream->used++] = letter;
    stream->text[stream->used] = '\0';
}

static void add_frame(struct stream *stream, const struct prong_bytes *frame)
{
    const char *bytes = frame->bytes;

    add(stream, '<');
    for (size_t i = 0; i < frame->size; i++)
        add(stream, bytes[i] != '\0' ? bytes[i] : '.');
    add(stream, '>');
}

static void open_stream(struct stream *stream, const struct row *row)
{
    stream->options = (struct prong_framing_options){.kind = row->kind, .limit_bytes = row->limit};
    stream->used = 0;
    stream->text[0] = '\0';
    assert_int_equal(prong_framing_init(&stream->framing, &stream->options), 0);
}

/* Saves, makes a new one, restores. */
static void move(struct stream *stream)
{
    size_t size = prong_framing_save(&stream->framing, NULL, 0);
    char *bytes = malloc(size + 1);

    assert_non_null(bytes);
    assert_int_equal(prong_framing_save(&stream->framing, bytes, size), size);
    prong_framing_clear(&stream->framing);
    assert_int_equal(prong_framing_init(&stream->framing, &stream->options), 0);
    assert_int_equal(prong_framing_restore(&stream->framing, bytes, size), 0);
    free(bytes);
}

/* In memory of exactly that size, so that a sanitizer sees a read behind it. */
static void feed(struct stream *stream, const char *bytes, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1);
    struct prong_bytes input = {exact, size}, frame;
    int result;

    assert_non_null(exact);
    memcpy(exact, bytes, size);
    while ((result = prong_framing_next(&stream->framing, &input, &frame)) == 1)
        add_frame(stream, &frame);
    assert_true(result < 0 || input.size == 0);
    free(exact);
    if (stream->moves && result == 0)
        move(stream);
}

static void close_stream(struct stream *stream)
{
    struct prong_bytes nothing = {NULL, 0}, frame;
    int result = prong_framing_next(&stream->framing, &nothing, &frame);
    size_t kept = prong_framing_partial_bytes(&stream->framing);

    assert_int_not_equal(result, 1);
    if (result < 0)
        stream->used += (size_t)snprintf(stream->text + stream->used, 16, "!%s",
                                         result == -EMSGSIZE ? "TOOBIG" : "PROTO");
    else if (kept > 0)
        stream->used += (size_t)snprintf(stream->text + stream->used, 16, "+%zu", kept);
    assert_true((kept == 0) == (stream->framing.buffer == NULL));
    prong_framing_clear(&stream->framing);
}

static void check(const struct row *row, const struct stream *stream, const char *how, size_t where)
{
    if (strcmp(stream->text, row->expected) != 0)
        fail_msg("row %zu, %s %zu: \"%s\" instead of \"%s\"", (size_t)(row - rows), how, where,
                 stream->text, row->expected);
}

static void cut_at(const struct row *row, size_t place, bool moves)
{
    struct stream stream = {.moves = moves};

    open_stream(&stream, row);
    feed(&stream, row->input, place);
    feed(&stream, row->input + place, row->size - place);
    close_stream(&stream);
    check(row, &stream, "torn at", place);
}

static void cut_by(const struct row *row, size_t step, bool moves)
{
    struct stream stream = {.moves = moves};

    open_stream(&stream, row);
    for (size_t place = 0; place < row->size; place += step)
        feed(&stream, row->input + place, row->size - place < step ? row->size - place : step);
    close_stream(&stream);
    check(row, &stream, "in pieces of", step);
}

static void cut_everywhere(bool moves)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t place = 0; place <= rows[i].size; place++)
            cut_at(&rows[i], place, moves);
        for (size_t step = 1; step <= rows[i].size; step++)
            cut_by(&rows[i], step, moves);
    }
}

static void frames_are_the_same_wherever_the_stream_is_torn(void **state)
{
    (void)state;
    cut_everywhere(false);
}

static void a_partial_frame_travels_wherever_the_stream_is_torn(void **state)
{
    (void)state;
    cut_everywhere(true);
}

/* --- Memory --- */

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, 1000};

static void a_frame_that_is_whole_is_not_copied(void **state)
{
    const char text[] = "one\ntwo\r\nthr";
    struct prong_bytes input = {text, 9}, frame;
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &lines), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_ptr_equal(frame.bytes, text);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_ptr_equal(frame.bytes, text + 4);
    assert_int_equal(frame.size, 3);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    assert_null(framing.buffer);
}

/* The one behind a torn frame lies in the input as a whole again. */
static void only_a_torn_frame_is_copied(void **state)
{
    const char text[] = "e\ntwo\n";
    struct prong_bytes input = {"on", 2}, frame;
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &lines), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    assert_int_equal(prong_framing_partial_bytes(&framing), 2);
    input = (struct prong_bytes){text, 6};
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_memory_equal(frame.bytes, "one", 3);
    assert_int_equal(prong_framing_partial_bytes(&framing), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_ptr_equal(frame.bytes, text + 2);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    assert_null(framing.buffer);
}

static void a_loop_may_be_left_after_any_frame(void **state)
{
    const char text[] = "e\ntwo\nthree\n";
    struct prong_bytes input = {"on", 2}, frame;
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &lines), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    input = (struct prong_bytes){text, 12};
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_ptr_equal(input.bytes, text + 2);
    assert_int_equal(input.size, 10);
    prong_framing_clear(&framing);
}

static const struct {
    enum prong_framing_kind kind;
    const char *head; /* of a frame of the greatest length */
    size_t size;
} long_ones[] = {
    {PRONG_FRAMING_LINE, "", 0},
    {PRONG_FRAMING_CRLF, "", 0},
    {PRONG_FRAMING_U32_BE, "\0\0\x27\x10", 4},
    {PRONG_FRAMING_VARINT, "\x90\x4e", 2},
    {PRONG_FRAMING_FIXED, "", 0},
};

static void the_buffer_grows_with_what_arrives_up_to_the_limit(void **state)
{
    struct prong_framing_options options = {.limit_bytes = 10000};
    struct prong_framing framing;

    (void)state;
    for (size_t i = 0; i < sizeof(long_ones) / sizeof(long_ones[0]); i++) {
        struct prong_bytes head = {long_ones[i].head, long_ones[i].size}, frame;

        options.kind = long_ones[i].kind;
        assert_int_equal(prong_framing_init(&framing, &options), 0);
        assert_int_equal(prong_framing_next(&framing, &head, &frame), 0);
        for (size_t sent = 1; sent < 10000; sent++) {
            struct prong_bytes input = {"x", 1};

            assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
            assert_int_equal(prong_framing_partial_bytes(&framing), long_ones[i].size + sent);
            assert_true(framing.room <= 64 || framing.room <= 2 * framing.size);
            assert_true(framing.room <= 10000 + 5);
        }
        prong_framing_clear(&framing);
    }
}

static void short_memory_loses_nothing(void **state)
{
    struct prong_bytes input = {"one\ntw", 6}, frame;
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &lines), 0);
    memory_is_short = true;
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), -ENOMEM);
    assert_int_equal(prong_framing_restore(&framing, "tw", 2), -ENOMEM);
    memory_is_short = false;
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    assert_int_equal(prong_framing_partial_bytes(&framing), 2);
    prong_framing_clear(&framing);
}

static void short_memory_in_the_middle_of_a_frame_loses_nothing(void **state)
{
    static const struct prong_framing_options options = {PRONG_FRAMING_FIXED, 200};
    char text[200] = "the beginning";
    struct prong_bytes input = {text, 50}, frame;
    struct prong_framing framing;

    (void)state;
    memset(text + 100, 'x', 100);
    assert_int_equal(prong_framing_init(&framing, &options), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
    input = (struct prong_bytes){text + 50, 150};
    memory_is_short = true;
    assert_int_equal(prong_framing_next(&framing, &input, &frame), -ENOMEM);
    assert_int_equal(input.size, 150);
    memory_is_short = false;
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_int_equal(frame.size, 200);
    assert_memory_equal(frame.bytes, text, 200);
    prong_framing_clear(&framing);
}

/* --- Errors --- */

static void a_stream_that_lost_its_frames_says_so_until_it_is_cleared(void **state)
{
    static const struct prong_framing_options options = {PRONG_FRAMING_U8, 3};
    struct prong_bytes input = {"\4\1x", 3}, frame;
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &options), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), -EMSGSIZE);
    input = (struct prong_bytes){"\1x", 2};
    assert_int_equal(prong_framing_next(&framing, &input, &frame), -EMSGSIZE);
    assert_int_equal(prong_framing_save(&framing, NULL, 0), 0);
    prong_framing_clear(&framing);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
}

static void options_without_sense_are_refused(void **state)
{
    static const struct prong_framing_options wrong[] = {
        {PRONG_FRAMING_FIXED, 0},
        {PRONG_FRAMING_LINE, PRONG_FRAMING_LIMIT_MAX + 1},
        {(enum prong_framing_kind)(PRONG_FRAMING_FIXED + 1), 10},
    };
    struct prong_framing framing;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(prong_framing_init(&framing, &wrong[i]), -EINVAL);
}

static void only_the_beginning_of_a_frame_is_restored(void **state)
{
    static const struct prong_framing_options options = {PRONG_FRAMING_LINE, 4};
    struct prong_framing framing;

    (void)state;
    assert_int_equal(prong_framing_init(&framing, &options), 0);
    assert_int_equal(prong_framing_restore(&framing, "ab\n", 3), -EPROTO);
    assert_int_equal(prong_framing_restore(&framing, "abcde", 5), -EMSGSIZE);
    assert_int_equal(prong_framing_restore(&framing, NULL, 0), 0);
    assert_null(framing.buffer);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(frames_are_the_same_wherever_the_stream_is_torn),
    cmocka_unit_test(a_partial_frame_travels_wherever_the_stream_is_torn),
    cmocka_unit_test(a_frame_that_is_whole_is_not_copied),
    cmocka_unit_test(only_a_torn_frame_is_copied),
    cmocka_unit_test(a_loop_may_be_left_after_any_frame),
    cmocka_unit_test(the_buffer_grows_with_what_arrives_up_to_the_limit),
    cmocka_unit_test(short_memory_loses_nothing),
    cmocka_unit_test(short_memory_in_the_middle_of_a_frame_loses_nothing),
    cmocka_unit_test(a_stream_that_lost_its_frames_says_so_until_it_is_cleared),
    cmocka_unit_test(options_without_sense_are_refused),
    cmocka_unit_test(only_the_beginning_of_a_frame_is_restored),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
