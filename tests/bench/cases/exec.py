# SPDX-License-Identifier: MIT
"""A program for each connection: connect, what the program says, close."""

from harness import inetds
from harness.case import Case, Column, both_families
from harness.load import load

CONNECTIONS = 8
MOST = 4000


class Exec(Case):
    name = "exec"
    help = "A program for each connection, 8 at a time: connect, its 6 bytes, close."
    place = 9
    compared = "cpu_us"
    reference = inetds.Tcpserver.name
    peers = inetds.ALL
    columns = (
        Column("cpu_us", "CPU per connection, the program's own with it", "{:.0f} µs".format),
        Column("rate", "connections/s", "{:,.0f}".format),
        Column("p99_us", "p99", "{:,.0f} µs".format),
    )

    def lanes(self, bench):
        return both_families(bench, "programs")

    def measure(self, bench, peer, lane):
        with load(bench, "short", lane.host, peer.ports[lane.host], connections=CONNECTIONS,
                  most=MOST // (10 if bench.quick else 1)) as one:
            cpu_ns, result = peer.cpu_ns_of(one)
        return {**result, "cpu_us": cpu_ns / 1000 / result["count"]}
