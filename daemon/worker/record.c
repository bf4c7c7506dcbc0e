/* SPDX-License-Identifier: MIT
 *
 * Records as bytes: fixed fields in the machine's order (both workers run on this machine), then
 * the two byte strings, each behind its length.
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <prongd/handler.h>

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
    uint32_t reserved;
    char server[64];
    char handler[64];
};

void record_clear(struct record *record)
{
    free(record->state);
    record->state = NULL;
    record->state_size = 0;
    quota_give(record->shares);
    prong_socket_image_clear(&record->image);
}

size_t record_size(const struct record *record)
{
    return sizeof(struct record_head) + record->state_size +
           prong_socket_image_encode(&record->image, NULL, 0);
}

uint8_t *record_encode(const struct record *record, size_t *size)
{
    size_t image_size = prong_socket_image_encode(&record->image, NULL, 0);
    struct record_head head = {
        .magic = RECORD_MAGIC,
        .version = RECORD_VERSION,
        .id = record->id,
        .opened_ds = record->opened_ds,
        .moves = record->moves,
        .state_version = record->state_version,
        .state_size = (uint32_t)record->state_size,
        .image_size = (uint32_t)image_size,
    };
    uint8_t *bytes;

    *size = record_size(record);
    bytes = malloc(*size);
    if (bytes == NULL)
        return NULL;
    memcpy(head.server, record->server, sizeof(head.server));
    memcpy(head.handler, record->handler, sizeof(head.handler));
    memcpy(bytes, &head, sizeof(head));
    if (record->state_size > 0)
        memcpy(bytes + sizeof(head), record->state, record->state_size);
    prong_socket_image_encode(&record->image, bytes + sizeof(head) + record->state_size,
                              image_size);
    return bytes;
}

static int read_head(struct record *record, const struct record_head *head, size_t size)
{
    if (head->magic != RECORD_MAGIC || head->version != RECORD_VERSION)
        return -EPROTO;
    if (head->state_size > PRONGD_STATE_MAX ||
        (uint64_t)head->state_size + head->image_size != size - sizeof(*head))
        return -EPROTO;
    if (memchr(head->server, '\0', sizeof(head->server)) == NULL ||
        memchr(head->handler, '\0', sizeof(head->handler)) == NULL)
        return -EPROTO;
    record->id = head->id;
    record->opened_ds = head->opened_ds;
    record->moves = head->moves;
    record->state_version = head->state_version;
    memcpy(record->server, head->server, sizeof(record->server));
    memcpy(record->handler, head->handler, sizeof(record->handler));
    return 0;
}

int record_decode(struct record *record, const uint8_t *bytes, size_t size, int fd)
{
    struct record_head head;
    int error;

    *record = (struct record){.image = {.fd = -1}};
    if (size < sizeof(head))
        return -EPROTO;
    memcpy(&head, bytes, sizeof(head));
    error = read_head(record, &head, size);
    if (error < 0)
        return error;
    if (head.state_size > 0) {
        record->state = malloc(head.state_size);
        if (record->state == NULL)
            return -ENOMEM;
        memcpy(record->state, bytes + sizeof(head), head.state_size);
        record->state_size = head.state_size;
    }
    error = prong_socket_image_decode(&record->image, bytes + sizeof(head) + head.state_size,
                                      head.image_size, fd);
    if (error < 0)
        record_clear(record);
    return error;
}
