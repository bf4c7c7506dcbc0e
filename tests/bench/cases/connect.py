# SPDX-License-Identifier: MIT
"""Short connections: connect, one message of 64 bytes, its echo, close."""

from harness import network, peers, syscalls, verdict
from harness.case import Case, Column, both_families
from harness.load import load

CONNECTIONS = 64
LIMIT = 1.15
ACCESS_LOG_LIMIT = 1.05


class Connect(Case):
    name = "connect"
    help = "Short connections, 64 at a time: connect, 64 bytes, their echo, close."
    place = 2
    compared = "cpu_us"
    peers = (*peers.ALL, peers.LoggedProngd)
    columns = (
        Column("cpu_us", "CPU per connection", "{:.2f} µs".format),
        Column("rate", "connections/s", "{:,.0f}".format),
        Column("p99_us", "p99", "{:,.0f} µs".format),
    )

    def lanes(self, bench):
        return both_families(bench, "short connections")

    def measure(self, bench, peer, lane):
        with load(bench, "connect", lane.host, peer.ports[lane.host], connections=CONNECTIONS,
                  seconds=bench.seconds(), warm_up=0.25, most=self._most(bench)) as one:
            cpu_ns, result = peer.cpu_ns_of(one)
        return {**result, "cpu_us": cpu_ns / 1000 / result["count"]}

    @staticmethod
    def _most(bench):
        return 0 if bench.own_network else network.SAFE_CONNECTIONS

    def appendix(self, bench, peer_classes):
        return [syscalls.Comparison(bench, peer_classes, "system calls per connection, 1 at a time",
                                    "connect", connections=1, most=1000)]

    def verdicts(self, results):
        return [one for result in results
                for one in (*verdict.at_most_of_floor(result, LIMIT, "CPU per short connection"),
                            *verdict.at_most_of_prongd(result, peers.LoggedProngd.name,
                                                       ACCESS_LOG_LIMIT, "CPU with an access log"))]
