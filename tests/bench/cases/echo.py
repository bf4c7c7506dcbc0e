# SPDX-License-Identifier: MIT
"""Messages of 64 bytes over connections that stay."""

from harness import syscalls, verdict
from harness.case import Case, Column, both_families
from harness.load import load

CONNECTIONS = 64
LIMIT = 1.05


class Echo(Case):
    name = "echo"
    help = "64-byte messages over 64 connections: one at a time, and 16 with each write."
    place = 1
    compared = "cpu_us"
    columns = (
        Column("cpu_us", "CPU per message", "{:.3f} µs".format),
        Column("rate", "messages/s", "{:,.0f}".format),
        Column("p99_us", "p99", "{:,.0f} µs".format),
    )

    def lanes(self, bench):
        return [*both_families(bench, "echo, ping-pong", pipeline=1),
                *both_families(bench, "echo, 16 pipelined", pipeline=16)]

    def measure(self, bench, peer, lane):
        with load(bench, "echo", lane.host, peer.ports[lane.host], connections=CONNECTIONS,
                  seconds=bench.seconds(), warm_up=0.25, **lane.settings) as one:
            cpu_ns, result = peer.cpu_ns_of(one)
        return {**result, "cpu_us": cpu_ns / 1000 / result["count"]}

    def appendix(self, bench, peer_classes):
        ways = (("1 connection, ping-pong", {"connections": 1, "most": 2000}),
                ("64 connections, ping-pong", {"connections": CONNECTIONS, "most": 10000}),
                ("64 connections, 16 pipelined",
                 {"connections": CONNECTIONS, "most": 2000, "pipeline": 16}))
        return [syscalls.Comparison(bench, peer_classes, f"system calls per message, {title}",
                                    "echo", judged=True, **arguments) for title, arguments in ways]

    def verdicts(self, results):
        return [one for result in results
                for one in verdict.at_most_of_floor(result, LIMIT, "CPU per message")]
