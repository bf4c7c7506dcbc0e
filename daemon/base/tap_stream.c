/* SPDX-License-Identifier: MIT
 *
 * Reading a tap's stream without trusting it.
 */
#include "tap_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(sizeof(struct tap_head) == 152, "a head has no holes");
_Static_assert(sizeof(struct tap_record) == 24, "nor has a record");

long tap_stream_head(struct tap_head *head, const void *bytes, size_t size)
{
    if (size < sizeof(*head))
        return 0;
    memcpy(head, bytes, sizeof(*head));
    head->server[sizeof(head->server) - 1] = '\0';
    if (memcmp(head->magic, TAP_STREAM_MAGIC, sizeof(head->magic)) != 0)
        return -EPROTO;
    if (head->version != TAP_STREAM_VERSION)
        return -EPROTONOSUPPORT;
    return head->head_size == sizeof(*head) ? (long)sizeof(*head) : -EPROTO;
}

static bool has_bytes(const struct tap_record *record)
{
    return record->kind == TAP_INPUT || record->kind == TAP_OUTPUT;
}

long tap_stream_record(struct tap_record *record, const void *bytes, size_t size)
{
    size_t whole = sizeof(*record);

    if (size < whole)
        return 0;
    memcpy(record, bytes, sizeof(*record));
    if (record->kind >= TAP_KINDS || record->reason >= TAP_REASONS)
        return -EPROTO;
    if (!has_bytes(record))
        return (long)whole;
    if (record->size > TAP_DATA_MAX)
        return -EPROTO;
    whole += record->size;
    return size < whole ? 0 : (long)whole;
}
