# SPDX-License-Identifier: MIT
"""How even a few counts are."""

import statistics


def greatest_share(counts):
    """Times its fair share, that is 1 / N; 1.0 is even."""
    return max(counts) * len(counts) / sum(counts)


def deviation(counts):
    """Standard deviation over mean, in percent."""
    return 100 * statistics.pstdev(counts) / statistics.mean(counts)


def farthest(counts):
    """How far the farthest is from the mean, in percent of it."""
    mean = statistics.mean(counts)
    return 100 * max(abs(count - mean) for count in counts) / mean
