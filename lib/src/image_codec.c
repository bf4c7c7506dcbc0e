/* SPDX-License-Identifier: MIT
 *
 * Images as bytes, to be sent beside their descriptor.
 *
 *     version | fields, in the order of the table | sizes of unread and unsent | unread | unsent
 *
 * A descriptor travels within one machine only, so numbers stand as they do in memory.  The reader
 * trusts nothing: what arrives may be of another version, cut, or nonsense.
 */
#include <prong/loop.h>
#include <prong/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Goes up with every change of the table below. */
#define VERSION 1U

/* A member of struct prong_socket_image. */
struct field {
    uint16_t offset;
    uint8_t size;
    bool is_flag; /* one byte, 0 or 1 */
};

#define OFFSET(member) (uint16_t) offsetof(struct prong_socket_image, member)
#define SIZE(member)   (uint8_t)(sizeof(((struct prong_socket_image *)NULL)->member))
#define VALUE(member)                       \
    {                                       \
        OFFSET(member), SIZE(member), false \
    }
#define FLAG(member)                       \
    {                                      \
        OFFSET(member), SIZE(member), true \
    }

static const struct field fields[] = {
    VALUE(bytes_read),
    VALUE(bytes_written),
    VALUE(timeout_ms),
    VALUE(timeout_left_ms),
    VALUE(high_water_mark),
    VALUE(local.family),
    VALUE(local.port),
    VALUE(local.scope),
    VALUE(local.ip),
    VALUE(remote.family),
    VALUE(remote.port),
    VALUE(remote.scope),
    VALUE(remote.ip),
    FLAG(allow_half_open),
    FLAG(paused),
    FLAG(peer_ended),
    FLAG(end_delivered),
    FLAG(ending),
    FLAG(finished),
    FLAG(destroy_soon),
    FLAG(need_drain),
    FLAG(hangup_told),
    VALUE(corked),
    FLAG(unref),
    FLAG(no_delay),
    FLAG(keep_alive.enabled),
    VALUE(keep_alive.idle_s),
    VALUE(keep_alive.interval_s),
    VALUE(keep_alive.count),
    VALUE(user_timeout_ms),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* What stands behind the fields. */
struct lengths {
    uint64_t unread;
    uint64_t unsent;
};

static size_t head_size(void)
{
    size_t size = sizeof(uint32_t) + sizeof(struct lengths);

    for (size_t i = 0; i < FIELD_COUNT; i++)
        size += fields[i].size;
    return size;
}

/* --- Writing --- */

static uint8_t *put(uint8_t *target, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(target, bytes, size);
    return target + size;
}

size_t prong_socket_image_encode(const struct prong_socket_image *image, uint8_t *buffer,
                                 size_t size)
{
    const uint32_t version = VERSION;
    struct lengths lengths = {image->unread_size, image->unsent_size};
    size_t needed = head_size() + image->unread_size + image->unsent_size;

    if (size < needed)
        return needed;
    buffer = put(buffer, &version, sizeof(version));
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buffer = put(buffer, (const uint8_t *)image + fields[i].offset, fields[i].size);
    buffer = put(buffer, &lengths, sizeof(lengths));
    buffer = put(buffer, image->unread, image->unread_size);
    put(buffer, image->unsent, image->unsent_size);
    return needed;
}

/* --- Reading --- */

static const uint8_t *get(const uint8_t *source, void *bytes, size_t size)
{
    memcpy(bytes, source, size);
    return source + size;
}

/* 0, or -EPROTO.  The whole head is there. */
static int read_head(struct prong_socket_image *image, struct lengths *lengths,
                     const uint8_t *bytes)
{
    uint32_t version;

    bytes = get(bytes, &version, sizeof(version));
    if (version != VERSION)
        return -EPROTO;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].is_flag && *bytes > 1)
            return -EPROTO;
        bytes = get(bytes, (uint8_t *)image + fields[i].offset, fields[i].size);
    }
    get(bytes, lengths, sizeof(*lengths));
    return 0;
}

/* Are there exactly as many bytes as it says, and not more unread ones than there may be? */
static bool fits(const struct lengths *lengths, uint64_t rest)
{
    return lengths->unread <= PRONG_READ_SIZE && lengths->unread <= rest &&
           lengths->unsent == rest - lengths->unread;
}

/* Could a socket have got into this state? */
static bool is_consistent(const struct prong_socket_image *image, const struct lengths *lengths)
{
    uint16_t family = image->remote.family;

    return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
           image->local.family == family && (image->peer_ended || !image->end_delivered) &&
           (image->ending || (!image->finished && !image->destroy_soon)) &&
           !(image->finished && lengths->unsent > 0) &&
           (image->timeout_ms > 0 || image->timeout_left_ms == 0);
}

/* A malloc'ed copy of the next bytes; NULL when there are none, or when memory is short. */
static uint8_t *copy_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = size > 0 ? malloc(size) : NULL;

    if (copy != NULL)
        memcpy(copy, bytes, size);
    return copy;
}

static int read_bytes(struct prong_socket_image *image, const struct lengths *lengths,
                      const uint8_t *bytes)
{
    image->unread_size = (size_t)lengths->unread;
    image->unsent_size = (size_t)lengths->unsent;
    image->unread = copy_bytes(bytes, image->unread_size);
    image->unsent = copy_bytes(bytes + image->unread_size, image->unsent_size);
    if ((image->unread != NULL) == (image->unread_size > 0) &&
        (image->unsent != NULL) == (image->unsent_size > 0))
        return 0;
    free(image->unread);
    free(image->unsent);
    return -ENOMEM;
}

int prong_socket_image_decode(struct prong_socket_image *image, const uint8_t *buffer, size_t size,
                              int fd)
{
    struct prong_socket_image result = {.fd = fd};
    struct lengths lengths;
    size_t head = head_size();
    int error;

    *image = (struct prong_socket_image){.fd = -1};
    if (fd < 0)
        return -EBADF;
    if (size < head || read_head(&result, &lengths, buffer) < 0 || !fits(&lengths, size - head) ||
        !is_consistent(&result, &lengths))
        return -EPROTO;
    error = read_bytes(&result, &lengths, buffer + head);
    if (error == 0)
        *image = result;
    return error;
}
