# SPDX-License-Identifier: MIT
"""What becomes of new connections when a worker cannot take them, and how even the workers are
again after one has lost all of its own.

Two kinds of lanes, both with 2,000 lasting connections in a second:

* a fault: one worker is stopped (SIGSTOP) from 0.5 s to 1.5 s, another is busy for 200 ms out of
  400 ms (stopped, too: for the others it is the same as a long callback).  Of two workers only one
  is stopped, so that there is always one who can.  A second after the end of it their evenness is
  looked at;
* a skew: after a second all connections of one worker are closed, and the load goes on.
"""

from harness import connections, evenness, faults, greeters, processes, verdict
from harness.case import Case, Column, Lane
from harness.load import load

SIZES = (2, 4, 8)
RATE = 2_000
WORST_MS = 20
CALM_MS = 10  # how late the client may be at worst, so that a round says something about WORST_MS
HEALED = {2: 3, 5: 1}  # seconds of load after a skew: percent that the farthest worker may be off

# How late the client was at worst tells how much of the latency may be the machine's doing.
LATENCY = (
    Column("p99_ms", "accept p99 ms", "{:.1f}".format),
    Column("worst_ms", "worst ms", "{:.0f}".format),
    Column("late_ms", "client late ms", "{:.0f}".format),
    Column("switches", "switches/connection", "{:.1f}".format),
)


class BalanceFaults(Case):
    name = "balance-faults"
    help = "New connections while a worker is stopped or busy; evenness after one has lost all."
    place = 5
    rounds = 3
    peers = greeters.ALL
    fresh_servers = True

    def lanes(self, bench):
        sizes = bench.sizes(SIZES[:1] if bench.quick else SIZES)
        return [Lane(f"{title}, {size} workers", family, host, {"kind": title, "size": size})
                for title, kind in KINDS.items()
                for family, host in bench.families[:1 if bench.quick else kind.families]
                for size in sizes]

    def columns_of(self, lane):
        return KINDS[lane.settings["kind"]].columns

    def server(self, peer_class, bench, lane):
        return peer_class(bench, lane.settings["size"])

    def measure(self, bench, peer, lane):
        kind = KINDS[lane.settings["kind"]]
        with load(bench, "arrive", lane.host, peer.port(lane.host, greeters.LASTING),
                  cpus=greeters.EVERY_CPU, connections=kind.seconds * RATE, rate=RATE) as one:
            one.reach("ready")
            before = processes.voluntary_switches(peer.child.pid)
            figures = kind.play(Stage(one, peer, lane.host))
            switches = processes.voluntary_switches(peer.child.pid) - before
            one.go()
        return {**figures, "switches": switches / (kind.seconds * RATE)}

    def verdicts(self, results):
        return [found for result in results if greeters.Balanced.name in result.samples
                for found in KINDS[result.lane.settings["kind"]].verdicts(result)]


class Stage:
    """A load and a server, between which nothing happens unless somebody asks for it."""

    def __init__(self, one, peer, host):
        self.load = one
        self.peer = peer
        self.port = peer.port(host, greeters.LASTING)
        self.pids = peer.workers()

    def arrive(self, seconds):
        self.load.go(f"arrive {seconds * RATE}")
        return self.load.result()

    def close_all_of(self, pid):
        ports = connections.client_ports([pid], self.port)[pid]
        self.load.go("close " + " ".join(map(str, ports)))
        self.load.reach("closed")

    def counts(self):
        """Connections of each worker."""
        found = connections.client_ports(self.pids, self.port)
        return [len(found[pid]) for pid in self.pids]


def _latency(result):
    return {"p99_ms": result["p99_us"] / 1000, "worst_ms": result["max_us"] / 1000,
            "late_ms": result["late_us"] / 1000}


def _calm(samples):
    """Those in which the machine let the client do its work in time, or else the calmest."""
    return [sample for sample in samples if sample["late_ms"] <= CALM_MS] or \
        [min(samples, key=lambda sample: sample["late_ms"])]


class Fault:
    families = 2
    seconds = 3
    columns = (*LATENCY, Column("deviation", "a second later stddev/mean %", "{:.2f}".format))

    @staticmethod
    def play(stage):
        with faults.Plan(Fault._plan(stage.pids)):
            result = stage.arrive(2)
        stage.arrive(1)
        return {**_latency(result), "deviation": evenness.deviation(stage.counts())}

    @staticmethod
    def _plan(pids):
        plan = [(0.5, faults.stop, pids[0]), (1.5, faults.go_on, pids[0])]
        if len(pids) > 2:
            for begin in (0.6, 1.0, 1.4, 1.8):
                plan += [(begin, faults.stop, pids[1]), (begin + 0.2, faults.go_on, pids[1])]
        return plan

    @staticmethod
    def verdicts(result):
        calm = _calm(result.samples[greeters.Balanced.name])
        return [verdict.at_most(f"worst accept latency in {len(calm)} calm rounds, {result.title}",
                                max(sample["worst_ms"] for sample in calm), WORST_MS,
                                "{:.1f} ms".format)]


class Skew:
    families = 1  # what happens after the accept is the same for all
    seconds = 1 + max(HEALED)
    columns = (*(Column(f"after_{seconds}", f"farthest from the mean after {seconds} s, %",
                        "{:.1f}".format) for seconds in HEALED), *LATENCY)

    @staticmethod
    def play(stage):
        stage.arrive(1)
        stage.close_all_of(stage.pids[0])
        figures, passed = {}, 0
        for seconds in HEALED:
            result = stage.arrive(seconds - passed)
            passed = seconds
            figures[f"after_{seconds}"] = evenness.farthest(stage.counts())
        return {**figures, **_latency(result)}

    @staticmethod
    def verdicts(result):
        return [verdict.at_most(f"farthest from the mean {seconds} s after a skew, {result.title}",
                                result.median(greeters.Balanced.name, f"after_{seconds}"), limit,
                                "{:.1f} %".format) for seconds, limit in HEALED.items()]


KINDS = {"one stopped, one busy": Fault, "one loses all": Skew}
