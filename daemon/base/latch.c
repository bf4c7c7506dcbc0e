/* SPDX-License-Identifier: MIT
 *
 * A lock of a file, tried again and again for a moment.
 */
#include "latch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* It is held for a microsecond; then by one who was preempted; then, for as long as there are naps,
 * by one who was stopped. */
#define YIELDS 1000
#define NAPS   1000
#define NAP_NS 2000000

int latch_open(int fd)
{
    char path[32];
    int own;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    own = open(path, O_RDWR | O_CLOEXEC);
    if (own < 0)
        own = -errno;
    (void)close(fd);
    return own;
}

static bool set(int fd, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};

    return fcntl(fd, command, &lock) == 0;
}

static int take(int fd, int command, int naps)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};

    for (int i = 0; i < YIELDS + naps; i++) {
        if (set(fd, command, F_WRLCK))
            return 0;
        if (i < YIELDS)
            (void)sched_yield();
        else
            (void)nanosleep(&nap, NULL);
    }
    return -EBUSY;
}

int latch_take(int fd, bool *is_stuck)
{
    int error = take(fd, F_OFD_SETLK, *is_stuck ? 0 : NAPS);

    *is_stuck = error < 0;
    return error;
}

void latch_give(int fd)
{
    (void)set(fd, F_OFD_SETLK, F_UNLCK);
}

int latch_take_alone(int fd)
{
    return take(fd, F_SETLK, NAPS);
}

void latch_give_alone(int fd)
{
    (void)set(fd, F_SETLK, F_UNLCK);
}
