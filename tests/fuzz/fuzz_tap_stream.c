/* SPDX-License-Identifier: MIT
 *
 * Taps: any bytes that a worker which was taken over may write to prongctl.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tap_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tap_head head;
    struct tap_record record;
    long taken = tap_stream_head(&head, bytes, size);

    if (taken <= 0)
        return 0;
    assert(strlen(head.server) < sizeof(head.server));
    while (taken > 0) {
        bytes += taken;
        size -= (size_t)taken;
        taken = tap_stream_record(&record, bytes, size);
        assert(taken <= (long)size && taken <= PIPE_BUF);
        if (taken > 0)
            assert(record.kind < TAP_KINDS && record.reason < TAP_REASONS);
        if (taken > 0 && record.kind <= TAP_OUTPUT)
            assert((size_t)taken == sizeof(record) + record.size);
    }
    return 0;
}
