/* SPDX-License-Identifier: MIT
 *
 * A region: memory that the workers of a server share, for what their handler keeps in it.
 *
 * A memfd of fixed size, two pages for ourselves in front.  A latch (latch.h) lets one worker in at
 * a time.  Who dies inside leaves a note that he was there, and the next one is told.
 */
#ifndef PRONGD_REGION_H
#define PRONGD_REGION_H

#include <stddef.h>
#include <stdint.h>

#define REGION_MOST (UINT64_C(1) << 40)

struct region;

/* The memory of a new one, zeroed; the caller closes it.  All of it is taken from the system now,
 * and not when it is written for the first time.  -EINVAL for another size, or -errno. */
int region_create(uint64_t size);

/* Maps it.  Takes `fd` in every case.  NULL with errno; EPROTO: it is none, or of another
 * version. */
struct region *region_open(int fd);

/* At the beginning of a page; the same bytes in every process, at another address in each. */
void *region_memory(const struct region *region);
size_t region_size(const struct region *region);

/* 0; 1: it is held, too, but the last one who held it died before he gave it back, so that what he
 * changed may be half-changed; -EBUSY: another process holds it and does not run. */
int region_lock(struct region *region);

/* What is in it is whole. */
void region_unlock(struct region *region);

/* Accepts NULL. */
void region_free(struct region *region);

#endif
