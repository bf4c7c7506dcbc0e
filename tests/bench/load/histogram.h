/* SPDX-License-Identifier: MIT
 *
 * Latencies, counted in classes that are 3 % wide; the greatest is kept exactly.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   32 /* classes for each power of two */
#define HISTOGRAM_CLASSES (HISTOGRAM_STEPS * 60)

struct histogram {
    uint64_t count;
    uint64_t most_ns;
    uint64_t classes[HISTOGRAM_CLASSES];
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);

/* The time that `share` (0 to 1) of all were not longer than; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
