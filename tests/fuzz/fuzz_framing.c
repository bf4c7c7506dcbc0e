/* SPDX-License-Identifier: MIT
 *
 * Frames of any bytes, torn anywhere and moved at any time, against a model that sees the whole
 * stream at once and looks at it byte by byte.
 *
 * The first three bytes are the kind, the limit, and how the stream is torn.
 */
#include <prong/framing.h>

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* --- The model --- */

struct model {
    const struct prong_framing_options *options;
    const uint8_t *bytes;
    size_t left;
};

/* What comes next: the result of prong_framing_next(), and the frame. */
struct step {
    int result;
    const uint8_t *bytes;
    size_t size, total;
};

/* Is the line that ends with byte `n` - 1 a whole one, and how many of its bytes are its own? */
static bool ends_line(enum prong_framing_kind kind, const uint8_t *bytes, size_t n, size_t *own)
{
    bool has_cr = n >= 2 && bytes[n - 2] == '\r';

    *own = has_cr && kind != PRONG_FRAMING_LF ? n - 2 : n - 1;
    return bytes[n - 1] == '\n' && (has_cr || kind != PRONG_FRAMING_CRLF);
}

static struct step next_line(const struct model *model)
{
    enum prong_framing_kind kind = model->options->kind;
    size_t limit = model->options->limit_bytes, own;

    for (size_t n = 1; n <= model->left; n++) {
        bool cr_may_end = kind != PRONG_FRAMING_LF && model->bytes[n - 1] == '\r';

        if (ends_line(kind, model->bytes, n, &own))
            return own > limit ? (struct step){.result = -EMSGSIZE}
                               : (struct step){1, model->bytes, own, n};
        if (n > limit + 1 || (n == limit + 1 && !cr_may_end))
            return (struct step){.result = -EMSGSIZE};
    }
    return (struct step){.result = 0};
}

/* The size of a length, or 0: it is not there as a whole. */
static size_t length_of(const struct model *model, uint64_t *length)
{
    const uint8_t *at = model->bytes;
    size_t width = model->options->kind == PRONG_FRAMING_U8       ? 1
                   : model->options->kind <= PRONG_FRAMING_U16_LE ? 2
                                                                  : 4;

    if (model->left < width)
        return 0;
    if (width == 1)
        *length = at[0];
    else if (model->options->kind == PRONG_FRAMING_U16_BE)
        *length = at[0] * 256U + at[1];
    else if (model->options->kind == PRONG_FRAMING_U16_LE)
        *length = at[1] * 256U + at[0];
    else if (model->options->kind == PRONG_FRAMING_U32_BE)
        *length = ((at[0] * 256ULL + at[1]) * 256 + at[2]) * 256 + at[3];
    else
        *length = ((at[3] * 256ULL + at[2]) * 256 + at[1]) * 256 + at[0];
    return width;
}

/* The size of a varint, 0: not whole, 6: too long. */
static size_t varint_of(const struct model *model, uint64_t *length)
{
    uint64_t weight = 1;

    *length = 0;
    for (size_t i = 0; i < 5; i++, weight *= 128) {
        if (i == model->left)
            return 0;
        *length += weight * (model->bytes[i] % 128);
        if (model->bytes[i] < 128)
            return i + 1;
    }
    return 6;
}

static struct step next_counted(const struct model *model)
{
    uint64_t length = model->options->limit_bytes;
    size_t skip = 0;

    if (model->options->kind == PRONG_FRAMING_VARINT)
        skip = varint_of(model, &length);
    else if (model->options->kind != PRONG_FRAMING_FIXED)
        skip = length_of(model, &length);
    if (skip == 6)
        return (struct step){.result = -EPROTO};
    if (skip == 0 && model->options->kind != PRONG_FRAMING_FIXED)
        return (struct step){.result = 0};
    if (length > model->options->limit_bytes)
        return (struct step){.result = -EMSGSIZE};
    if (model->left - skip < length)
        return (struct step){.result = 0};
    return (struct step){1, model->bytes + skip, (size_t)length, skip + (size_t)length};
}

static struct step next_of_model(struct model *model)
{
    struct step step =
        model->options->kind <= PRONG_FRAMING_CRLF ? next_line(model) : next_counted(model);

    model->bytes += step.total;
    model->left -= step.total;
    return step;
}

/* --- The stream --- */

static void move(struct prong_framing *framing)
{
    size_t size = prong_framing_save(framing, NULL, 0);
    const struct prong_framing_options *options = framing->options;
    uint8_t *bytes = malloc(size + 1);

    assert(bytes != NULL);
    assert(prong_framing_save(framing, bytes, size) == size);
    prong_framing_clear(framing);
    assert(prong_framing_init(framing, options) == 0);
    assert(prong_framing_restore(framing, bytes, size) == 0);
    free(bytes);
}

/* One piece in memory of its size.  Leaves the loop now and then, as a program may. */
static int feed(struct prong_framing *framing, struct model *model, const uint8_t *bytes,
                size_t size, bool leaves)
{
    uint8_t *exact = malloc(size);
    struct prong_bytes input = {exact, size}, frame;
    int result;

    assert(exact != NULL);
    memcpy(exact, bytes, size);
    while ((result = prong_framing_next(framing, &input, &frame)) == 1) {
        struct step step = next_of_model(model);

        assert(step.result == 1 && step.size == frame.size);
        assert(frame.size == 0 || memcmp(step.bytes, frame.bytes, frame.size) == 0);
        if (leaves)
            move(framing);
    }
    assert(result < 0 || input.size == 0);
    assert(framing->room <= framing->options->limit_bytes + 5);
    free(exact);
    return result;
}

static void run(const struct prong_framing_options *options, uint8_t how, const uint8_t *bytes,
                size_t size)
{
    struct model model = {options, bytes, size};
    struct prong_framing framing;
    struct step last;
    int result = 0;

    assert(prong_framing_init(&framing, options) == 0);
    for (size_t place = 0; place < size && result == 0;) {
        size_t piece = 1 + (how * (place + 7)) % (1 + how / 4U);

        piece = piece < size - place ? piece : size - place;
        result = feed(&framing, &model, bytes + place, piece, how % 4 == 3);
        place += piece;
        if (result == 0 && how % 2 == 1)
            move(&framing);
    }
    last = next_of_model(&model);
    assert(last.result == result);
    assert(result < 0 || prong_framing_partial_bytes(&framing) == model.left);
    prong_framing_clear(&framing);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct prong_framing_options options;

    if (size < 3)
        return 0;
    options.kind = (enum prong_framing_kind)(bytes[0] % (PRONG_FRAMING_FIXED + 1));
    options.limit_bytes = bytes[1] < 200 ? bytes[1] : (bytes[1] - 199U) * 300;
    if (options.limit_bytes == 0)
        options.limit_bytes = options.kind == PRONG_FRAMING_FIXED;
    run(&options, bytes[2], bytes + 3, size - 3);
    return 0;
}
