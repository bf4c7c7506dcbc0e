# SPDX-License-Identifier: MIT
"""How even the workers are that share a handle, and what that costs.

The time of a connection is that from connect() on until the server's greeting is there: until a
worker has accepted it, as a client sees it.
"""

import statistics

from harness import connections, evenness, greeters, processes, verdict
from harness.case import Case, Column, Lane
from harness.load import load
from harness.table import Table

SIZES = (2, 4, 8)
SHORT_CONNECTIONS, AT_A_TIME = 20_000, 64
LASTING_CONNECTIONS, RATE = 4_000, 2_000

DEVIATION = 0.5  # percent
CPU_LIMITS = {(greeters.SHORT, 2): 1.10, (greeters.LASTING, 2): 1.10,
              (greeters.SHORT, 8): 0.95, (greeters.LASTING, 8): 0.85}

TITLES = {
    greeters.SHORT: f"{SHORT_CONNECTIONS:,} short connections, {AT_A_TIME} at a time",
    greeters.LASTING: f"{LASTING_CONNECTIONS:,} lasting connections, {RATE:,} in a second",
}


class Balance(Case):
    name = "balance"
    help = "How even 2, 4 and 8 workers are, and what it costs, for every accept mode and peer."
    place = 4
    rounds = 3
    peers = greeters.ALL
    fresh_servers = True
    compared = "cpu_us"
    reference = greeters.Shared.name
    columns = (
        Column("share", "greatest share × N", "{:.3f}".format),
        Column("deviation", "stddev/mean %", "{:.2f}".format),
        Column("cpu_us", "CPU µs/connection", "{:.1f}".format),
        Column("switches", "switches/connection", "{:.1f}".format),
        Column("p99_ms", "accept p99 ms", "{:.1f}".format),
        Column("worst_ms", "worst ms", "{:.0f}".format),
    )

    def lanes(self, bench):
        families = bench.families[:1] if bench.quick else bench.families
        sizes = bench.sizes(SIZES[:1] if bench.quick else SIZES)
        return [Lane(f"{TITLES[kind]}, {size} workers", family, host, {"kind": kind, "size": size})
                for kind in TITLES for family, host in families for size in sizes]

    def server(self, peer_class, bench, lane):
        return peer_class(bench, lane.settings["size"])

    def measure(self, bench, peer, lane):
        kind = lane.settings["kind"]
        run = {greeters.SHORT: _short, greeters.LASTING: _lasting}[kind]
        result, counts, cpu_ns, switches = run(bench, peer, lane.host, 10 if bench.quick else 1)
        return {**result, "counts": counts,
                "share": evenness.greatest_share(counts),
                "deviation": evenness.deviation(counts),
                "cpu_us": cpu_ns / 1000 / result["count"],
                "switches": switches / result["count"],
                "p99_ms": result["p99_us"] / 1000, "worst_ms": result["max_us"] / 1000}

    def tables(self, results, versions):
        """All sizes side by side."""
        return [self._table(group, versions) for group in _by_title(results).values()]

    def _table(self, group, versions):
        sizes = " / ".join(str(one.lane.settings["size"]) for one in group)
        title = f"{TITLES[group[0].lane.settings['kind']]}, {group[0].lane.family}; " \
                f"with {sizes} workers"
        head = ["", *(column.title for column in self.columns), "CPU of the shared"]
        rows = [[f"{name} {versions[name]}".strip(), *self._cells(group, name)]
                for name in group[0].samples]
        return Table(title, head, rows)

    def _cells(self, group, name):
        for column in self.columns:
            pick = type(group[0]).worst if column.key == "worst_ms" else type(group[0]).median
            yield " / ".join(column.show(pick(one, name, column.key)) for one in group)
        ratios = [one.ratio(name) for one in group]
        yield " / ".join(f"{ratio.median:.2f}" if ratio else "-" for ratio in ratios)

    def verdicts(self, results):
        own = [one for one in results if greeters.Balanced.name in one.samples]
        return [found for one in own for found in (_even(one), *_cheap(one, own))]


def _short(bench, peer, host, fraction):
    with load(bench, "short", host, peer.port(host, greeters.SHORT), cpus=greeters.EVERY_CPU,
              connections=AT_A_TIME, most=SHORT_CONNECTIONS // fraction) as one:
        one.reach("ready")
        before = _spent(peer)
        one.go()
        result = one.result()
        after = _spent(peer)
        counts = peer.accepted(result["greetings"])
    return result, counts, after[0] - before[0], after[1] - before[1]


def _lasting(bench, peer, host, fraction):
    port, count = peer.port(host, greeters.LASTING), LASTING_CONNECTIONS // fraction
    with load(bench, "arrive", host, port, cpus=greeters.EVERY_CPU, connections=count,
              rate=RATE) as one:
        one.reach("ready")
        before = _spent(peer)
        one.go(f"arrive {count}")
        result = one.result()
        after = _spent(peer)
        counts = [len(ports) for ports in connections.client_ports(peer.workers(), port).values()]
        one.go()
    return result, counts, after[0] - before[0], after[1] - before[1]


def _spent(peer):
    return peer.cpu_ns(), processes.voluntary_switches(peer.child.pid)


def _by_title(results):
    groups = {}
    for one in results:
        groups.setdefault((one.lane.settings["kind"], one.lane.family), []).append(one)
    return groups


def _even(result):
    return verdict.at_most(f"stddev/mean, {result.title}",
                           result.median(greeters.Balanced.name, "deviation"), DEVIATION,
                           "{:.2f} %".format)


def _cheap(result, results):
    """The target is the CPU time of both families together: the verdict comes with the first."""
    kind, size = result.lane.settings["kind"], result.lane.settings["size"]
    same = [one for one in results if one.lane.settings == result.lane.settings]
    limit = CPU_LIMITS.get((kind, size))
    if limit is None or same[0] is not result or result.ratio(greeters.Balanced.name) is None:
        return []
    ratio = statistics.median(ratio for one in same for ratio in one.ratios(greeters.Balanced.name))
    return [verdict.at_most(f"CPU per connection of the shared, {result.lane.title}", ratio, limit,
                            "{:.2f}".format)]
