/* SPDX-License-Identifier: MIT
 *
 * Frames of a stream that arrives in pieces.
 *
 * What lies in the input as a whole is given out from there.  The beginning of a frame goes to the
 * buffer, and is completed there with as many bytes as belong to it and not one more, so that the
 * next frame is found in the input again.
 */
#include <prong/framing.h>

#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first room of a buffer: most lines and most commands fit. */
#define ROOM_MIN 64

int prong_framing_init(struct prong_framing *framing, const struct prong_framing_options *options)
{
    if (!frame_is_kind(options->kind) || options->limit_bytes > PRONG_FRAMING_LIMIT_MAX)
        return -EINVAL;
    if (options->kind == PRONG_FRAMING_FIXED && options->limit_bytes == 0)
        return -EINVAL;
    *framing = (struct prong_framing){.options = options};
    return 0;
}

/* --- The buffer --- */

static void release(struct prong_framing *framing)
{
    free(framing->buffer);
    framing->buffer = NULL;
    framing->size = framing->room = 0;
}

void prong_framing_clear(struct prong_framing *framing)
{
    release(framing);
    framing->error = 0;
}

static int fail(struct prong_framing *framing, int error)
{
    release(framing);
    framing->error = error;
    return error;
}

/* Room for `size` bytes: doubled, and never beyond the longest frame. */
static int make_room(struct prong_framing *framing, size_t size)
{
    size_t most = (size_t)framing->options->limit_bytes + FRAME_MARK_MAX;
    size_t room = 2 * (size_t)framing->room;
    uint8_t *buffer;

    if (size <= framing->room)
        return 0;
    room = room < ROOM_MIN ? ROOM_MIN : room;
    room = room > most ? most : room;
    room = room < size ? size : room;
    buffer = realloc(framing->buffer, room);
    if (buffer == NULL)
        return -ENOMEM;
    framing->buffer = buffer;
    framing->room = (uint32_t)room;
    return 0;
}

static const uint8_t *start_of(const struct prong_bytes *input)
{
    return input->bytes;
}

static void use(struct prong_bytes *input, size_t size)
{
    input->bytes = start_of(input) + size;
    input->size -= size;
}

static int keep(struct prong_framing *framing, struct prong_bytes *input, size_t size)
{
    int error = make_room(framing, framing->size + size);

    if (error < 0)
        return error;
    memcpy(framing->buffer + framing->size, input->bytes, size);
    framing->size += (uint32_t)size;
    use(input, size);
    return 0;
}

/* --- Cutting --- */

static int next_in_input(struct prong_framing *framing, struct prong_bytes *input,
                         struct prong_bytes *frame)
{
    struct frame_extent extent;
    int result;

    if (input->size == 0) {
        release(framing); /* the frame in it is not needed any more */
        return 0;
    }
    result = frame_measure(framing->options, input->bytes, input->size, 0, &extent);
    if (result < 0)
        return fail(framing, result);
    if (result == 0)
        return keep(framing, input, input->size);
    *frame = (struct prong_bytes){start_of(input) + extent.skip, extent.size};
    use(input, extent.total);
    return 1;
}

/* How much of the input belongs to the frame that the buffer has the beginning of, as far as it can
 * be known. */
static size_t share_of(const struct prong_framing *framing, const struct prong_bytes *input,
                       size_t total)
{
    size_t missing = total - framing->size, size = input->size;
    const uint8_t *end;

    if (!frame_is_line(framing->options->kind))
        return missing < size ? missing : size;
    /* Of a line up to the end; of too long a one not more than shows that. */
    missing = (size_t)framing->options->limit_bytes + 2 - framing->size;
    size = missing < size ? missing : size;
    end = memchr(input->bytes, '\n', size);
    return end != NULL ? (size_t)(end - start_of(input)) + 1 : size;
}

static int next_in_buffer(struct prong_framing *framing, struct prong_bytes *input,
                          struct prong_bytes *frame)
{
    struct frame_extent extent = {0};
    size_t searched = framing->size;
    int result;

    for (;;) {
        result = frame_measure(framing->options, framing->buffer, framing->size, searched, &extent);
        if (result != 0 || input->size == 0)
            break;
        searched = framing->size;
        result = keep(framing, input, share_of(framing, input, extent.total));
        if (result < 0)
            return result;
    }
    if (result < 0)
        return fail(framing, result);
    if (result == 0)
        return 0;
    *frame = (struct prong_bytes){framing->buffer + extent.skip, extent.size};
    framing->size = 0;
    return 1;
}

int prong_framing_next(struct prong_framing *framing, struct prong_bytes *input,
                       struct prong_bytes *frame)
{
    if (framing->error < 0)
        return framing->error;
    if (framing->size > 0)
        return next_in_buffer(framing, input, frame);
    return next_in_input(framing, input, frame);
}

/* --- Moving --- */

size_t prong_framing_partial_bytes(const struct prong_framing *framing)
{
    return framing->size;
}

size_t prong_framing_save(const struct prong_framing *framing, void *bytes, size_t size)
{
    if (framing->size > 0 && framing->size <= size)
        memcpy(bytes, framing->buffer, framing->size);
    return framing->size;
}

int prong_framing_restore(struct prong_framing *framing, const void *bytes, size_t size)
{
    struct prong_bytes input = {bytes, size};
    struct frame_extent extent;
    int result;

    if (size == 0)
        return 0;
    result = frame_measure(framing->options, bytes, size, 0, &extent);
    if (result != 0)
        return result < 0 ? result : -EPROTO;
    return keep(framing, &input, size);
}
