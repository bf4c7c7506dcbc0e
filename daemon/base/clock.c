/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <time.h>

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

double clock_s(void)
{
    struct timespec time = now();

    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

uint64_t clock_ms(void)
{
    struct timespec time = now();

    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}
