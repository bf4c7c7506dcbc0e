# SPDX-License-Identifier: MIT
"""Memory of connections that only exist.

Private memory of all workers, beyond what they have when the server has just started; so all that
the connections cause is in it, be it an object, a table that grows or a page of code that is
touched for the first time.
"""

import time

from harness import verdict
from harness.case import Case, Column, both_families
from harness.load import load
from harness.peers import Prongd

CONNECTIONS = 16_000

# What remains is looked at so long after the last one has gone: a server need not hurry to give
# memory back.
GONE_SECONDS = 2

BYTES = 250
REMAINS = 1 << 20


def _kib(value):
    return f"{value / 1024:,.0f} KiB"


class Idle(Case):
    name = "idle"
    help = f"Memory per idle connection, with {CONNECTIONS:,} of them, and what remains of it."
    place = 3
    fresh_servers = True  # memory that an earlier lane left behind would be used again
    columns = (
        Column("bytes", "per connection", "{:,.0f} B".format),
        Column("echoed_bytes", "after a message each", "{:,.0f} B".format),
        Column("remains", "remains in a worker", _kib),
    )

    def lanes(self, bench):
        return both_families(bench, "idle connections")

    def measure(self, bench, peer, lane):
        count = 2_000 if bench.quick else CONNECTIONS
        with load(bench, "idle", lane.host, peer.ports[lane.host], connections=count) as one:
            memory = [self._memory_at(one, phase, peer) for phase in ("start", "opened", "echoed")]
            result = one.result()
            time.sleep(0 if bench.quick else GONE_SECONDS)
            memory.append(peer.private_bytes())
        start, opened, echoed, gone = memory
        return {"count": result["count"],
                "bytes": (sum(opened) - sum(start)) / count,
                "echoed_bytes": (sum(echoed) - sum(start)) / count,
                "remains": max(now - then for now, then in zip(gone, start)),
                "workers": {"start": start, "opened": opened, "echoed": echoed, "gone": gone}}

    @staticmethod
    def _memory_at(one, phase, peer):
        one.reach(phase)
        memory = peer.private_bytes()
        one.go()
        return memory

    def verdicts(self, results):
        return [found for result in results if Prongd.name in result.samples
                for found in self._verdicts_of(result)]

    @staticmethod
    def _verdicts_of(result):
        return [
            verdict.at_most(f"memory per connection, {result.title}",
                            result.median(Prongd.name, "bytes"), BYTES, "{:,.0f} B".format),
            verdict.at_most(f"what remains in a worker at worst, {result.title}",
                            result.worst(Prongd.name, "remains"), REMAINS, _kib),
        ]
