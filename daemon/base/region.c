/* SPDX-License-Identifier: MIT
 *
 * The memory, and the note of who is inside.
 */
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latch.h"
#include "sealed_page.h"

#define MAGIC UINT64_C(0x6c6b2d676f707002)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct region_header {
    alignas(SEALED_PAGE_SIZE) uint64_t magic; /* the sealed page */

    alignas(SEALED_PAGE_SIZE) _Atomic uint32_t is_inside; /* somebody changes what is behind this */
};

#define HEAD sizeof(struct region_header)

struct region {
    int fd;
    bool is_stuck; /* latch.h */
    struct region_header *header;
    size_t size; /* without the header */
};

static int fill(int fd, uint64_t size)
{
    struct region_header header = {.magic = MAGIC};

    if (fallocate(fd, 0, 0, (off_t)(HEAD + size)) < 0 ||
        pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return 0;
}

int region_create(uint64_t size)
{
    int fd, error;

    if (size == 0 || size > REGION_MOST)
        return -EINVAL;
    fd = memfd_create("prong-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    error = fill(fd, size);
    if (error == 0)
        return fd;
    (void)close(fd);
    return error;
}

/* 0: it is no region. */
static size_t size_of(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct region_header header;
    struct stat status;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 ||
        status.st_size <= (off_t)HEAD ||
        pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return 0;
    return header.magic == MAGIC ? (size_t)status.st_size - HEAD : 0;
}

static int map(struct region *region)
{
    void *memory;

    region->size = size_of(region->fd);
    if (region->size == 0)
        return -EPROTO;
    memory = mmap(NULL, region->size + HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    sealed_page_close(memory);
    region->header = memory;
    return 0;
}

struct region *region_open(int fd)
{
    struct region *region = calloc(1, sizeof(*region));
    int error;

    if (region == NULL) {
        (void)close(fd);
        errno = ENOMEM;
        return NULL;
    }
    region->fd = latch_open(fd);
    error = region->fd < 0 ? region->fd : map(region);
    if (error == 0)
        return region;
    region_free(region);
    errno = -error;
    return NULL;
}

void *region_memory(const struct region *region)
{
    return (char *)region->header + HEAD;
}

size_t region_size(const struct region *region)
{
    return region->size;
}

int region_lock(struct region *region)
{
    int error = latch_take(region->fd, &region->is_stuck);

    if (error < 0)
        return error;
    return atomic_exchange(&region->header->is_inside, 1) != 0;
}

void region_unlock(struct region *region)
{
    atomic_store(&region->header->is_inside, 0);
    latch_give(region->fd);
}

void region_free(struct region *region)
{
    if (region == NULL)
        return;
    if (region->header != NULL)
        (void)munmap(region->header, region->size + HEAD);
    if (region->fd >= 0)
        (void)close(region->fd);
    free(region);
}
