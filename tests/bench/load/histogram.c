/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <string.h>

/* Below HISTOGRAM_STEPS each nanosecond has a class of its own; above, each power of two has
 * HISTOGRAM_STEPS of them. */
static unsigned class_of(uint64_t ns)
{
    unsigned shift;

    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    shift = 63 - (unsigned)__builtin_clzll(ns) - 5;
    return (shift + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> shift) % HISTOGRAM_STEPS;
}

static uint64_t upper_end(unsigned class)
{
    unsigned shift;

    if (class < HISTOGRAM_STEPS)
        return class;
    shift = class / HISTOGRAM_STEPS - 1;
    return ((uint64_t)(HISTOGRAM_STEPS + class % HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->classes[class_of(ns)]++;
    histogram->count++;
    if (ns > histogram->most_ns)
        histogram->most_ns = ns;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    uint64_t seen = 0;
    unsigned class;

    for (class = 0; class < HISTOGRAM_CLASSES; class ++) {
        seen += histogram->classes[class];
        if (seen > wanted)
            break;
    }
    if (class == HISTOGRAM_CLASSES || upper_end(class) > histogram->most_ns)
        return histogram->most_ns;
    return upper_end(class);
}
