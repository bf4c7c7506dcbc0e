/* SPDX-License-Identifier: MIT */
#include "ring_fixture.h"

#include <stdlib.h>
#include <unistd.h>

int open_ring(void **state)
{
    int *fd = malloc(sizeof(*fd));

    *fd = ring_create(RING_LEAST);
    *state = fd;
    return *fd < 0 ? -1 : 0;
}

int close_ring(void **state)
{
    close(*(int *)*state);
    free(*state);
    return 0;
}

struct ring *view(void **state)
{
    struct ring *ring = ring_open(dup(*(int *)*state));

    assert_non_null(ring);
    return ring;
}
