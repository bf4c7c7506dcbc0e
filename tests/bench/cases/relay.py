# SPDX-License-Identifier: MIT
"""Relaying: how much CPU bytes, messages and connections cost, and how much memory a pair."""

import statistics

from harness import network, relays, verdict
from harness.case import Case, Column, Lane
from harness.load import load

CONNECTIONS = 64
PAIRS = 5_000

# Of whom the median ratio in each round may be how much.
LIMITS = {
    "one way": (("haproxy splice", 1.10), ("nginx", 0.35)),
    "round trips": (("nginx", 1.05), ("haproxy splice", 0.80), ("haproxy", 1.00)),
}
BYTES = 700

MIB_OF_GIB = 1024
CPU = "cpu"


def _bytes(value):
    return f"{value:,.0f} B"


class Relay(Case):
    name = "relay"
    help = "Relays beside each other: bulk one way and both ways, round trips, connections, memory."
    place = 8
    peers = relays.ALL
    compared = CPU
    reference = relays.NginxRelays.name
    fresh_servers = True

    BULK = (Column(CPU, "CPU per GiB", "{:.3f} s".format),
            Column("gib", "GiB/s", "{:.2f}".format))
    COLUMNS = {
        "one way": BULK,
        "both ways": BULK,
        "round trips": (Column(CPU, "CPU per 100,000", "{:.3f} s".format),
                        Column("rate", "round trips/s", "{:,.0f}".format),
                        Column("p99_us", "p99", "{:,.0f} µs".format)),
        "connections": (Column(CPU, "CPU per 10,000", "{:.3f} s".format),
                        Column("rate", "connections/s", "{:,.0f}".format),
                        Column("p99_us", "p99", "{:,.0f} µs".format)),
        "idle pairs": (Column(CPU, "memory of each", _bytes),
                       Column("echoed", "after a message", _bytes)),
    }

    def lanes(self, bench):
        family, host = bench.families[0]
        return [Lane(title, family, host) for title in self.COLUMNS]

    def columns_of(self, lane):
        return self.COLUMNS[lane.title]

    def measure(self, bench, peer, lane):
        return {
            "one way": self._bulk,
            "both ways": self._bulk,
            "round trips": self._messages,
            "connections": self._messages,
            "idle pairs": self._memory,
        }[lane.title](bench, peer, lane)

    def _bulk(self, bench, peer, lane):
        is_one_way = lane.title == "one way"
        mode, kind = ("upload", relays.DISCARD) if is_one_way else ("exchange", relays.ECHO)
        with load(bench, mode, lane.host, peer.port(kind), connections=1, warm_up=0.25,
                  seconds=2 * bench.seconds()) as one:
            cpu_ns, result = peer.cpu_ns_of(one)
        gib = result["count"] / MIB_OF_GIB * (1 if is_one_way else 2)
        return {**result, CPU: cpu_ns / 1e9 / gib, "gib": gib / result["seconds"]}

    def _messages(self, bench, peer, lane):
        is_echo = lane.title == "round trips"
        most = 0 if is_echo or bench.own_network else network.SAFE_CONNECTIONS
        with load(bench, "echo" if is_echo else "connect", lane.host, peer.port(relays.ECHO),
                  connections=CONNECTIONS, seconds=bench.seconds(), warm_up=0.25,
                  most=most) as one:
            cpu_ns, result = peer.cpu_ns_of(one)
        return {**result, CPU: cpu_ns / 1e9 / result["count"] * (100_000 if is_echo else 10_000)}

    @staticmethod
    def _memory(bench, peer, lane):
        count = 500 if bench.quick else PAIRS
        found = []
        with load(bench, "idle", lane.host, peer.port(relays.ECHO), connections=count) as one:
            for phase in ("start", "opened", "echoed"):
                one.reach(phase)
                found.append(sum(peer.private_bytes()))
                one.go()
            result = one.result()
        start, opened, echoed = found
        return {**result, CPU: (opened - start) / count, "echoed": (echoed - start) / count}

    def verdicts(self, results):
        found = []
        for result in results:
            own = result.samples.get(relays.ProngdRelays.name)
            if own is None:
                continue
            for other, limit in LIMITS.get(result.lane.title, ()):
                if other in result.samples:
                    found.append(self._verdict(result, other, limit))
            if result.lane.title == "idle pairs":
                found.append(verdict.at_most(
                    "memory of an idle pair", result.median(relays.ProngdRelays.name, CPU), BYTES,
                    _bytes))
        return found

    @staticmethod
    def _verdict(result, other, limit):
        pairs = zip(result.samples[relays.ProngdRelays.name], result.samples[other])
        ratio = statistics.median(own[CPU] / theirs[CPU] for own, theirs in pairs)
        return verdict.Verdict(f"CPU, {result.title}", f"{ratio:.3f} of {other}",
                               f"at most {limit:.2f}", ratio <= limit)
