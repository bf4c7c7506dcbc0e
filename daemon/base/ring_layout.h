/* SPDX-License-Identifier: MIT
 *
 * What stands in the memory of a ring: the header, the index, the bytes as words.
 */
#ifndef PRONGD_RING_LAYOUT_H
#define PRONGD_RING_LAYOUT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "sealed_page.h"

#define RING_MAGIC   UINT64_C(0x676e69722d676f70)
#define RING_VERSION 2

/* So many bytes for each entry of the index: more messages than that, on average shorter ones, find
 * no place in the index before they fill the bytes. */
#define RING_BYTES_PER_ENTRY 128

struct ring_header {
    alignas(SEALED_PAGE_SIZE) uint64_t magic; /* the sealed page */
    uint64_t version;
    uint64_t identity;
    uint64_t size; /* of the bytes; a power of two */

    alignas(SEALED_PAGE_SIZE) _Atomic uint64_t first; /* the oldest message that is whole */
    _Atomic uint64_t last;                            /* the newest; below `first`: none is whole */
    _Atomic uint64_t end; /* where the next one begins: words since the beginning */
};

/* Of message N in place N modulo their number. */
struct ring_entry {
    _Atomic uint64_t number;
    _Atomic uint64_t begin; /* as `end` */
    _Atomic uint64_t size;  /* in bytes */
    _Atomic uint64_t check; /* of number, size and bytes */
};

#define RING_HEADER_SIZE sizeof(struct ring_header)

#endif
