# SPDX-License-Identifier: MIT
"""What goes one way through a relay: bytes that tell their place, and how fast they come and are read.
"""

import random
from collections import namedtuple

SIZE = 1_048_583  # a prime: nothing that is lost, a pipe's or a buffer's contents, is as long
PIECE = 256 * 1024
PATTERN = random.Random(1).randbytes(SIZE)
LONG = PATTERN + PATTERN[:PIECE]
VIEW = memoryview(LONG)
SAMPLE = 24  # bytes that say which ones they are


class Stream:
    """So many bytes, each of which follows from its place; `name` stands at their beginning."""

    def __init__(self, number, size, name=b""):
        self.size = size
        self.name = name
        self.shift = number * 104_729 % SIZE

    def piece(self, at, most):
        """At most so many of those from here on; at least one, unless there is none."""
        most = min(most, PIECE, self.size - at)
        if at < len(self.name):
            return self.name[at:at + most]
        at = (at + self.shift) % SIZE
        return VIEW[at:at + most]

    def problem(self, at, received):
        """What is wrong with these bytes, which arrived as those from here on, or None."""
        if at >= len(self.name) and len(received) <= PIECE and at + len(received) <= self.size \
                and LONG.startswith(received, (at + self.shift) % SIZE):
            return None
        for place, byte in enumerate(received):
            if at + place >= self.size:
                return f"{len(received) - place} bytes more than the {self.size} that were sent"
            if byte != self.piece(at + place, 1)[0]:
                return f"at {at + place}: {self.origin(at + place, received[place:])}"
        return None

    def origin(self, at, received):
        """Which ones they are, if any that were sent."""
        found = LONG.find(received[:SAMPLE])
        if found < 0 or len(received) < SAMPLE:
            return f"bytes that nobody sent: {received[:SAMPLE]!r}"
        origin = (found - self.shift) % SIZE
        origin += round((at - origin) / SIZE) * SIZE  # the nearest
        if origin > at:
            return f"{origin - at} bytes are lost, those of {origin} come"
        return f"{at - origin} bytes come again, those of {origin}"


# So many bytes in pieces of this size at most, and after each a rest.
Phase = namedtuple("Phase", "bytes piece rest_s")

# Each by name: its weight, and between what its numbers are drawn.
WRITING = {
    "bulk": (5, (1 << 18, 1 << 23), (PIECE, PIECE), (0, 0)),
    "gusts": (3, (1 << 14, 1 << 18), (1 << 12, 1 << 16), (0, 0.02)),
    "bits": (2, (1, 1 << 13), (1, 2000), (0.001, 0.01)),
    "naps": (1, (1, 1 << 16), (1 << 15, 1 << 16), (0.1, 0.6)),
}
READING = {
    "bulk": (6, (1 << 18, 1 << 24), (PIECE, PIECE), (0, 0)),
    "sips": (2, (1 << 12, 1 << 18), (1 << 11, 1 << 15), (0.001, 0.01)),
    "naps": (2, (1 << 16, 1 << 20), (1 << 16, 1 << 18), (0.1, 0.8)),
}


def between(chance, bounds):
    """As likely small as large: 1 to 10 as often as 10 to 100."""
    low, high = bounds
    if isinstance(low, float) or low == 0:
        return low + (high - low) * chance.random()
    return int(low * (high / low) ** chance.random())


def draw_phases(chance, kinds):
    drawn = chance.choices(list(kinds.values()), [kind[0] for kind in kinds.values()],
                           k=chance.randrange(1, 5))
    return [Phase(*(between(chance, bounds) for bounds in kind[1:])) for kind in drawn]


class Pace:
    """Goes through phases again and again."""

    def __init__(self, phases):
        self.phases = phases
        self.current = 0
        self.left = phases[0].bytes

    def most(self):
        return max(1, min(self.left, self.phases[self.current].piece))

    def spend(self, size):
        """How long to rest now."""
        rest_s = self.phases[self.current].rest_s
        self.left -= size
        if self.left <= 0:
            self.current = (self.current + 1) % len(self.phases)
            self.left = self.phases[self.current].bytes
        return rest_s
