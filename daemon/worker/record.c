/* SPDX-License-Identifier: MIT
 *
 * Records as bytes: fixed fields in the machine's order (both workers run on this machine), then
 * the two byte strings, each behind its length, and what companions there are.
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access_end.h"
#include "shares.h"

#define RECORD_MAGIC 0x50524f47U /* "PROG" */

/* What every record begins with. */
struct record_head {
    uint32_t magic;
    uint32_t version;
    uint64_t id;
    uint32_t opened_ds;
    uint32_t moves;
    uint32_t state_version;
    uint32_t state_size;
    uint32_t image_size;
    uint32_t companion_count;
    struct trail trail;
    char server[64];
    char handler[64];
    uint64_t ring; /* struct broadcast_place */
    uint64_t position;
};

/* What every companion begins with; its image follows. */
struct companion_head {
    uint32_t is_socket;
    uint32_t image_size; /* 0 without a socket */
};

void record_clear(struct record *record)
{
    for (size_t i = 0; i < record->companion_count; i++)
        prong_socket_image_clear(&record->companions[i].image);
    free(record->companions);
    record->companions = NULL;
    record->companion_count = 0;
    free(record->state);
    record->state = NULL;
    record->state_size = 0;
    quota_give(record->shares);
    if (record->handler_share != NULL)
        share_give(record->handler_share);
    record->handler_share = NULL;
    prong_socket_image_clear(&record->image);
}

size_t record_fds(const struct record *record, int fds[RECORD_FDS_MAX])
{
    size_t count = 0;

    fds[count++] = record->image.fd;
    for (size_t i = 0; i < record->companion_count; i++)
        fds[count++] = record->companions[i].image.fd;
    return count;
}

/* --- Writing --- */

static size_t image_size(const struct prong_socket_image *image)
{
    return prong_socket_image_encode(image, NULL, 0);
}

static size_t companion_size(const struct record_companion *companion)
{
    return companion->is_socket ? image_size(&companion->image) : 0;
}

size_t record_size(const struct record *record)
{
    size_t size = sizeof(struct record_head) + record->state_size + image_size(&record->image);

    for (size_t i = 0; i < record->companion_count; i++)
        size += sizeof(struct companion_head) + companion_size(&record->companions[i]);
    return size;
}

static void write_companions(const struct record *record, uint8_t *at)
{
    for (size_t i = 0; i < record->companion_count; i++) {
        const struct record_companion *companion = &record->companions[i];
        struct companion_head head = {.is_socket = companion->is_socket,
                                      .image_size = (uint32_t)companion_size(companion)};

        memcpy(at, &head, sizeof(head));
        at += sizeof(head);
        if (companion->is_socket)
            prong_socket_image_encode(&companion->image, at, head.image_size);
        at += head.image_size;
    }
}

uint8_t *record_encode(const struct record *record, size_t *size)
{
    struct record_head head = {
        .magic = RECORD_MAGIC,
        .version = RECORD_VERSION,
        .id = record->id,
        .opened_ds = record->opened_ds,
        .moves = record->moves,
        .trail = record->trail,
        .state_version = record->state_version,
        .state_size = (uint32_t)record->state_size,
        .image_size = (uint32_t)image_size(&record->image),
        .companion_count = (uint32_t)record->companion_count,
        .ring = record->place.ring,
        .position = record->place.position,
    };
    uint8_t *bytes, *at;

    *size = record_size(record);
    bytes = malloc(*size);
    if (bytes == NULL)
        return NULL;
    memcpy(head.server, record->server, sizeof(head.server));
    memcpy(head.handler, record->handler, sizeof(head.handler));
    at = bytes;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    if (record->state_size > 0)
        memcpy(at, record->state, record->state_size);
    at += record->state_size;
    prong_socket_image_encode(&record->image, at, head.image_size);
    write_companions(record, at + head.image_size);
    return bytes;
}

/* --- Reading --- */

static int read_head(struct record *record, const struct record_head *head)
{
    if (head->magic != RECORD_MAGIC || head->version != RECORD_VERSION)
        return -EPROTO;
    if (head->state_size > PRONGD_STATE_MAX || head->companion_count > PRONGD_COMPANIONS_MAX)
        return -EPROTO;
    if (head->trail.step_count > TRAIL_STEPS || head->trail.end >= ACCESS_ENDS)
        return -EPROTO;
    if (memchr(head->server, '\0', sizeof(head->server)) == NULL ||
        memchr(head->handler, '\0', sizeof(head->handler)) == NULL)
        return -EPROTO;
    record->id = head->id;
    record->opened_ds = head->opened_ds;
    record->moves = head->moves;
    record->trail = head->trail;
    record->state_version = head->state_version;
    record->place = (struct broadcast_place){head->ring, head->position};
    memcpy(record->server, head->server, sizeof(record->server));
    memcpy(record->handler, head->handler, sizeof(record->handler));
    return 0;
}

/* The next `size` bytes; NULL: there are not so many. */
static const uint8_t *next_bytes(struct record_bytes *rest, size_t size)
{
    const uint8_t *bytes = rest->bytes;

    if (size > rest->size)
        return NULL;
    rest->bytes += size;
    rest->size -= size;
    return bytes;
}

static int read_state(struct record *record, struct record_bytes *rest, uint32_t size)
{
    const uint8_t *bytes = next_bytes(rest, size);

    if (bytes == NULL)
        return -EPROTO;
    if (size == 0)
        return 0;
    record->state = malloc(size);
    if (record->state == NULL)
        return -ENOMEM;
    memcpy(record->state, bytes, size);
    record->state_size = size;
    return 0;
}

/* With the next descriptor. */
static int read_image(struct prong_socket_image *image, struct record_bytes *rest, uint32_t size)
{
    const uint8_t *bytes = next_bytes(rest, size);

    if (bytes == NULL)
        return -EPROTO;
    rest->fd_count--;
    return prong_socket_image_decode(image, bytes, size, *rest->fds++);
}

static int read_companion(struct record_companion *companion, struct record_bytes *rest)
{
    const uint8_t *bytes = next_bytes(rest, sizeof(struct companion_head));
    struct companion_head head;

    companion->image.fd = -1;
    if (bytes == NULL)
        return -EPROTO;
    memcpy(&head, bytes, sizeof(head));
    if (head.is_socket > 1 || (head.is_socket == 0 && head.image_size > 0))
        return -EPROTO;
    companion->is_socket = head.is_socket == 1;
    if (companion->is_socket)
        return read_image(&companion->image, rest, head.image_size);
    rest->fd_count--;
    companion->image.fd = *rest->fds++;
    return companion->image.fd < 0 ? -EBADF : 0;
}

static int read_companions(struct record *record, struct record_bytes *rest, size_t count)
{
    int error = 0;

    if (count == 0)
        return 0;
    record->companions = calloc(count, sizeof(*record->companions));
    if (record->companions == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && error == 0; i++) {
        record->companion_count++;
        error = read_companion(&record->companions[i], rest);
    }
    return error;
}

static int read_body(struct record *record, const struct record_head *head,
                     struct record_bytes *rest)
{
    int error;

    if (rest->fd_count != 1 + (size_t)head->companion_count)
        return -EPROTO;
    error = read_state(record, rest, head->state_size);
    if (error == 0)
        error = read_image(&record->image, rest, head->image_size);
    if (error == 0)
        error = read_companions(record, rest, head->companion_count);
    return error == 0 && rest->size > 0 ? -EPROTO : error;
}

/* They are still the caller's. */
static void forget_fds(struct record *record)
{
    record->image.fd = -1;
    for (size_t i = 0; i < record->companion_count; i++)
        record->companions[i].image.fd = -1;
}

int record_decode(struct record *record, const struct record_bytes *bytes)
{
    struct record_bytes rest = *bytes;
    struct record_head head;
    const uint8_t *head_bytes = next_bytes(&rest, sizeof(head));
    int error;

    *record = (struct record){.image = {.fd = -1}};
    if (head_bytes == NULL)
        return -EPROTO;
    memcpy(&head, head_bytes, sizeof(head));
    error = read_head(record, &head);
    if (error == 0)
        error = read_body(record, &head, &rest);
    if (error < 0) {
        forget_fds(record);
        record_clear(record);
    }
    return error;
}
