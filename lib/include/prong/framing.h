/* SPDX-License-Identifier: MIT
 *
 * Framing: the bytes of a stream as lines, as frames with their length in front, or as blocks of
 * one size.
 *
 * A connection brings bytes as it likes: half a frame, or three and a half.  A struct prong_framing
 * in the state of the connection cuts them:
 *
 *     static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, 1024};
 *
 *     static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
 *     {
 *         struct prong_framing *framing = prong_socket_extra(socket);
 *         struct prong_bytes input = {bytes, size}, frame;
 *         int result;
 *
 *         while ((result = prong_framing_next(framing, &input, &frame)) == 1)
 *             answer(socket, frame.bytes, frame.size);
 *         if (result < 0)
 *             prong_socket_destroy(socket, result);
 *     }
 *
 * A frame that lies in the input as a whole is not copied.  Only the beginning of one that is not
 * whole yet is kept, in a buffer that grows with the bytes that arrive and never beyond the limit;
 * between frames there is no buffer.
 */
#ifndef PRONG_FRAMING_H
#define PRONG_FRAMING_H

#include <prong/api.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

struct prong_socket;

/* Where a frame ends.  What marks it, the line's end or the length, is not part of the frame. */
enum prong_framing_kind {
    PRONG_FRAMING_LINE,   /* LF, or CR LF */
    PRONG_FRAMING_LF,     /* LF; a CR before it belongs to the line */
    PRONG_FRAMING_CRLF,   /* CR LF; a CR or an LF alone belongs to the line */
    PRONG_FRAMING_U8,     /* its length stands in front, in one byte */
    PRONG_FRAMING_U16_BE, /* … in two bytes, the high one first (network order) */
    PRONG_FRAMING_U16_LE, /* … in two bytes, the low one first */
    PRONG_FRAMING_U32_BE, /* … in four bytes, the high one first */
    PRONG_FRAMING_U32_LE, /* … in four bytes, the low one first */
    PRONG_FRAMING_VARINT, /* … in one to five bytes of seven bits, the low ones first (LEB128) */
    PRONG_FRAMING_FIXED   /* each has limit_bytes */
};

/* The most that limit_bytes may be. */
#define PRONG_FRAMING_LIMIT_MAX (1U << 30)

/* The rules of a stream, the same for all connections of a protocol. */
struct prong_framing_options {
    enum prong_framing_kind kind;
    uint32_t limit_bytes; /* the longest frame that is accepted, without what marks its end */
};

/* Some bytes of somebody else. */
struct prong_bytes {
    const void *bytes;
    size_t size;
};

/* One direction of one connection.  Its members are not for you; it may be moved in memory. */
struct prong_framing {
    const struct prong_framing_options *options;
    uint8_t *buffer; /* the beginning of a frame, or one that was just given out */
    uint32_t size;   /* bytes of that beginning */
    uint32_t room;
    int error;
};

/* Borrows `options` for the whole life of the framing.  No memory is taken.  -EINVAL for an unknown
 * kind, a limit above PRONG_FRAMING_LIMIT_MAX, and blocks of 0 bytes. */
PRONG_API PRONG_CHECK int prong_framing_init(struct prong_framing *framing,
                                             const struct prong_framing_options *options);

/* The next frame of what was kept and `*input`; `*input` shrinks by what was used.
 * 1: `*frame` is one, perhaps of 0 bytes; it lives until the input dies or the framing is used
 * again.  0: the input is used up, and the beginning of a frame, if there is one, is kept.
 * -EMSGSIZE: the frame is longer than the limit, which is told before its bytes have arrived where
 * its length says so; -EPROTO: a varint of more than five bytes.  The stream has lost its frames
 * then, and every further call says the same.  -ENOMEM: nothing is lost, and the call may be
 * repeated.
 * A loop may be left after any frame: the input then is what is left of it, for
 * prong_socket_unread(). */
PRONG_API PRONG_CHECK int prong_framing_next(struct prong_framing *framing,
                                             struct prong_bytes *input, struct prong_bytes *frame);

/* Bytes that are kept of a frame that is not whole, with what marks its length: when the peer ends
 * and they are not 0, it has ended in the middle of one. */
PRONG_API size_t prong_framing_partial_bytes(const struct prong_framing *framing);

/* Copies what is kept, for another process or another program (see prong_socket_detach()).  Returns
 * how many bytes that are; nothing is written where `size` is smaller.  Never fails.  A framing
 * that has failed has nothing to save. */
PRONG_API size_t prong_framing_save(const struct prong_framing *framing, void *bytes, size_t size);

/* The inverse, into a framing that was just made, whose options may be others: what was kept must
 * be the beginning of a frame for these, too.  Copies.  -EMSGSIZE when it is longer than their
 * limit, -EPROTO when it is none or a whole one, -ENOMEM: nothing is kept then. */
PRONG_API PRONG_CHECK int prong_framing_restore(struct prong_framing *framing, const void *bytes,
                                                size_t size);

/* Forgets what is kept, an error too, and frees the buffer; ready for another stream with the same
 * options.  Call it in on_close. */
PRONG_API void prong_framing_clear(struct prong_framing *framing);

/* Writes one frame with what marks its end, as one gathered write.  Results of
 * prong_socket_writev(); also -EMSGSIZE when it is longer than the limit or than its length can
 * say, and -EINVAL for a line that has the end of one in it and for a block of another size: the
 * socket is untouched then. */
PRONG_API PRONG_CHECK int prong_framing_write(struct prong_socket *socket,
                                              const struct prong_framing_options *options,
                                              const void *bytes, size_t size);

PRONG_END

#endif
