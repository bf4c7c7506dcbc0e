/* SPDX-License-Identifier: MIT
 *
 * One row for each kind of frame.
 */
#include "frame.h"

#include <errno.h>
#include <string.h>

struct row {
    int (*measure)(const struct prong_framing_options *options, const uint8_t *bytes, size_t size,
                   size_t searched, struct frame_extent *extent);
    int (*mark)(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX]);
    bool is_line;
    uint8_t width;   /* of the length in front */
    bool high_first; /* its order */
};

static const struct row *row_of(enum prong_framing_kind kind);

/* --- Lines --- */

/* Can bytes without an end in them become a line still?  A CR at the limit may be part of it. */
static bool may_become_line(const struct prong_framing_options *options, const uint8_t *bytes,
                            size_t size)
{
    size_t limit = options->limit_bytes;

    if (size <= limit)
        return true;
    return size == limit + 1 && options->kind != PRONG_FRAMING_LF && bytes[limit] == '\r';
}

static int measure_line(const struct prong_framing_options *options, const uint8_t *bytes,
                        size_t size, size_t searched, struct frame_extent *extent)
{
    size_t most = (size_t)options->limit_bytes + 2;
    size_t end = size < most ? size : most;
    const uint8_t *found = NULL;

    while (searched < end && (found = memchr(bytes + searched, '\n', end - searched)) != NULL) {
        size_t place = (size_t)(found - bytes);
        bool has_cr = place > 0 && found[-1] == '\r';

        searched = place + 1;
        if (options->kind == PRONG_FRAMING_CRLF && !has_cr)
            continue;
        if (has_cr && options->kind != PRONG_FRAMING_LF)
            place--;
        *extent = (struct frame_extent){.size = place, .total = searched};
        return place <= options->limit_bytes ? 1 : -EMSGSIZE;
    }
    extent->total = size + 1;
    return may_become_line(options, bytes, end) ? 0 : -EMSGSIZE;
}

static int mark_line(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX])
{
    (void)size;
    if (kind != PRONG_FRAMING_CRLF) {
        mark[0] = '\n';
        return 1;
    }
    mark[0] = '\r';
    mark[1] = '\n';
    return 2;
}

/* --- A length in front --- */

/* The frame behind a length of `skip` bytes. */
static int measure_behind(const struct prong_framing_options *options, size_t skip, uint64_t length,
                          size_t size, struct frame_extent *extent)
{
    if (length > options->limit_bytes)
        return -EMSGSIZE;
    *extent =
        (struct frame_extent){.skip = skip, .size = (size_t)length, .total = skip + (size_t)length};
    return size >= extent->total;
}

/* Where the byte with this weight stands. */
static unsigned place_of(const struct row *row, unsigned weight)
{
    return row->high_first ? row->width - 1U - weight : weight;
}

static int measure_length(const struct prong_framing_options *options, const uint8_t *bytes,
                          size_t size, size_t searched, struct frame_extent *extent)
{
    const struct row *row = row_of(options->kind);
    uint64_t length = 0;

    (void)searched;
    extent->total = row->width;
    if (size < row->width)
        return 0;
    for (unsigned weight = 0; weight < row->width; weight++)
        length |= (uint64_t)bytes[place_of(row, weight)] << 8 * weight;
    return measure_behind(options, row->width, length, size, extent);
}

static int mark_length(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX])
{
    const struct row *row = row_of(kind);

    if ((uint64_t)size >> 8 * row->width != 0)
        return -EMSGSIZE;
    for (unsigned weight = 0; weight < row->width; weight++)
        mark[place_of(row, weight)] = (uint8_t)(size >> 8 * weight);
    return row->width;
}

static int measure_varint(const struct prong_framing_options *options, const uint8_t *bytes,
                          size_t size, size_t searched, struct frame_extent *extent)
{
    uint64_t length = 0;

    (void)searched;
    for (size_t i = 0; i < FRAME_MARK_MAX; i++) {
        extent->total = i + 1;
        if (i == size)
            return 0;
        length |= (uint64_t)(bytes[i] & 0x7f) << 7 * i;
        if ((bytes[i] & 0x80) == 0)
            return measure_behind(options, i + 1, length, size, extent);
    }
    return -EPROTO;
}

/* A limit has 32 bits, and five bytes have room for 35. */
static int mark_varint(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX])
{
    int count = 0;

    (void)kind;
    for (; size > 0x7f; size >>= 7)
        mark[count++] = (uint8_t)(size | 0x80);
    mark[count++] = (uint8_t)size;
    return count;
}

/* --- Blocks --- */

static int measure_fixed(const struct prong_framing_options *options, const uint8_t *bytes,
                         size_t size, size_t searched, struct frame_extent *extent)
{
    (void)bytes;
    (void)searched;
    return measure_behind(options, 0, options->limit_bytes, size, extent);
}

static int mark_nothing(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX])
{
    (void)kind;
    (void)size;
    (void)mark;
    return 0;
}

/* --- Kinds --- */

static const struct row rows[] = {
    [PRONG_FRAMING_LINE] = {measure_line, mark_line, true, 0, false},
    [PRONG_FRAMING_LF] = {measure_line, mark_line, true, 0, false},
    [PRONG_FRAMING_CRLF] = {measure_line, mark_line, true, 0, false},
    [PRONG_FRAMING_U8] = {measure_length, mark_length, false, 1, true},
    [PRONG_FRAMING_U16_BE] = {measure_length, mark_length, false, 2, true},
    [PRONG_FRAMING_U16_LE] = {measure_length, mark_length, false, 2, false},
    [PRONG_FRAMING_U32_BE] = {measure_length, mark_length, false, 4, true},
    [PRONG_FRAMING_U32_LE] = {measure_length, mark_length, false, 4, false},
    [PRONG_FRAMING_VARINT] = {measure_varint, mark_varint, false, 0, false},
    [PRONG_FRAMING_FIXED] = {measure_fixed, mark_nothing, false, 0, false},
};

static const struct row *row_of(enum prong_framing_kind kind)
{
    return &rows[kind];
}

bool frame_is_kind(enum prong_framing_kind kind)
{
    return (size_t)kind < sizeof(rows) / sizeof(rows[0]);
}

bool frame_is_line(enum prong_framing_kind kind)
{
    return row_of(kind)->is_line;
}

int frame_measure(const struct prong_framing_options *options, const uint8_t *bytes, size_t size,
                  size_t searched, struct frame_extent *extent)
{
    return row_of(options->kind)->measure(options, bytes, size, searched, extent);
}

int frame_mark(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX])
{
    return row_of(kind)->mark(kind, size, mark);
}
