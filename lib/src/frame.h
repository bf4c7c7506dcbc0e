/* SPDX-License-Identifier: MIT
 *
 * The kinds of frames: how long the first one of some bytes is, and what marks its end.
 */
#ifndef PRONG_FRAME_H
#define PRONG_FRAME_H

#include <prong/framing.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes that mark a frame: a varint of five bytes. */
#define FRAME_MARK_MAX 5

/* The first frame of some bytes. */
struct frame_extent {
    size_t skip;  /* its length stands here */
    size_t size;  /* the frame's own bytes */
    size_t total; /* with what marks it; of one that is not whole: at least that many */
};

bool frame_is_kind(enum prong_framing_kind kind);

/* Does its end look like a line's? */
bool frame_is_line(enum prong_framing_kind kind);

/* 1: `*extent` is the first frame.  0: it is not whole; extent->total is known.  -EMSGSIZE,
 * -EPROTO: these bytes are not the beginning of a frame that is accepted.  The end of a line is
 * looked for from `searched` on only. */
int frame_measure(const struct prong_framing_options *options, const uint8_t *bytes, size_t size,
                  size_t searched, struct frame_extent *extent);

/* Writes what marks a frame of `size` bytes, fewer than 2^32; the size of the mark.  -EMSGSIZE when
 * the mark cannot say so much. */
int frame_mark(enum prong_framing_kind kind, size_t size, uint8_t mark[FRAME_MARK_MAX]);

#endif
