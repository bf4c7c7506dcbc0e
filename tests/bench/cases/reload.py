# SPDX-License-Identifier: MIT
"""What a reload does to connections that live long, and to the machine.

10,000 connections, of which 1,000 send a numbered stream all the time.  After a while without a
reload, in which the longest echo is taken as the machine's own doing, one reload; a while later who
is left of the old processes, and what memory they hold.  Then reloads with the streams at rest, for
the CPU time of a move: that of a reload without any connection is taken out.
"""

import math
import time

from harness import processes, reloaders, verdict
from harness.case import Case, Column, both_families
from harness.steady import faults, steady
from harness.trouble import Trouble

CONNECTIONS = 10_000
STREAMS = 1_000
INTERVAL_S = 0.5     # between a stream's chunks
CALM_S = 3           # without a reload, and with one
QUIET_RELOADS = 5    # with the streams at rest
RELOAD_S, MOVING_MS, PAUSE_MS, CPU_US = 1.0, 150, 20, 12


def _or_dash(form):
    return lambda value: "-" if math.isnan(value) else form.format(value)


class Reload(Case):
    name = "reload"
    help = f"{CONNECTIONS:,} connections that live on: what a reload costs them and the machine."
    place = 6
    rounds = 3
    peers = reloaders.ALL
    fresh_servers = True
    columns = (
        Column("count", "connections", "{:,.0f}".format),
        Column("kept", "kept", "{:,.0f}".format),
        Column("moved", "in new processes", "{:,.0f}".format),
        Column("old", f"old processes after {CALM_S} s", "{:.0f}".format),
        Column("old_mib", "their memory MiB", "{:.0f}".format),
        Column("reload_s", "reload s", "{:.2f}".format),
        Column("moving_ms", "moving ms", _or_dash("{:.0f}")),
        Column("calm_ms", "longest echo before ms", "{:.0f}".format),
        Column("pause_ms", "with the reload ms", "{:.0f}".format),
        Column("cpu_us", "CPU us a connection", _or_dash("{:.1f}")),
    )

    def lanes(self, bench):
        return both_families(bench, "long-lived connections")

    def measure(self, bench, peer, lane):
        count = 500 if bench.quick else min(CONNECTIONS, peer.most())
        calm_s = 0.5 if bench.quick else CALM_S
        empty_ns = self._cpu_of_reloads(peer) if peer.moves else math.nan
        with steady(bench, lane.host, peer.ports[lane.host], connections=count,
                    streams=count // 10, slow=0, interval=INTERVAL_S, chunk=1000) as load:
            self._demand_none_lost(load.opened)
            figures = self._reload_under_load(peer, load, calm_s)
            lost = faults(load.command("check"))
            figures["kept"] = count - lost - figures.pop("lost")
            load.command("rest")
            quiet_ns = self._cpu_of_reloads(peer) if peer.moves else math.nan
        if peer.moves and (figures["kept"], figures["moved"]) != (count, count):
            raise Trouble(f"of {count:,} connections {figures['kept']:,} were kept, and "
                          f"{figures['moved']:,} moved")
        figures["count"] = count
        figures["cpu_us"] = (quiet_ns - empty_ns) / 1000 / count
        return figures

    @staticmethod
    def _demand_none_lost(report):
        if faults(report) > 0:
            raise Trouble(f"before any reload: {report['first_fault']}")

    @staticmethod
    def _reload_under_load(peer, load, calm_s):
        load.command("go")
        time.sleep(calm_s)
        calm = load.command("report")
        Reload._demand_none_lost(calm)
        before = peer.workers()
        begun = time.monotonic()
        answer = peer.reload()
        reload_s = time.monotonic() - begun
        time.sleep(max(0, calm_s - reload_s))
        report = load.command("report")
        old = [pid for pid in processes.tree(peer.child.pid) if pid in before]
        return {"moved": answer["moved"], "reload_s": reload_s,
                "moving_ms": 1000 * answer["moving_s"] if answer["moved"] else math.nan,
                "calm_ms": calm["echoes"]["max_us"] / 1000,
                "pause_ms": report["echoes"]["max_us"] / 1000,
                "old": len(old), "old_mib": reloaders.old_memory(old) / (1 << 20),
                "lost": faults(report)}

    @staticmethod
    def _cpu_of_reloads(peer):
        """CPU time of one reload, in nanoseconds: everything of the server's."""
        before = processes.cpu_ns(peer.child.pid)
        for _ in range(QUIET_RELOADS):
            peer.reload()
        return (processes.cpu_ns(peer.child.pid) - before) / QUIET_RELOADS

    def verdicts(self, results):
        return [found for result in results if reloaders.ProngdReloads.name in result.samples
                for found in self._verdicts_of(result)]

    @staticmethod
    def _verdicts_of(result):
        name = reloaders.ProngdReloads.name
        longer = result.median(name, "pause_ms") - result.median(name, "calm_ms")
        return [
            verdict.at_most(f"reload, {result.title}", result.median(name, "reload_s"), RELOAD_S,
                            "{:.2f} s".format),
            verdict.at_most(f"moving, {result.title}", result.median(name, "moving_ms"), MOVING_MS,
                            "{:.0f} ms".format),
            verdict.at_most(f"longest echo, longer than without a reload, {result.title}", longer,
                            PAUSE_MS, "{:.0f} ms".format),
            verdict.at_most(f"CPU of a move, both sides, {result.title}",
                            result.median(name, "cpu_us"), CPU_US, "{:.1f} us".format),
        ]
