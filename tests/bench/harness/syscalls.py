# SPDX-License-Identifier: MIT
"""System calls for each operation, counted by strace in a short run of its own (strace slows a
server many times over, so it has no place in a run that measures time)."""

import shutil
import signal
import subprocess
import time

from .load import load
from .peers import Floor, Prongd
from .table import Table
from .trouble import Missing
from .verdict import Verdict

ATTACH_SECONDS = 20
REST_SECONDS = 1

# Calls for each operation that are not a difference: what is done by the clock is not done evenly.
TOLERANCE = 0.02
WAITING = {"epoll_wait", "epoll_pwait", "epoll_pwait2"}


def _strace():
    found = shutil.which("strace")
    if found is None:
        raise Missing("strace is not installed (Debian: apt-get install strace)")
    return found


class Counter:
    """strace -c on processes that run already."""

    def __init__(self, bench, pids):
        self.out = bench.new_file("strace.out")
        self.err = bench.new_file("strace.err")
        of_pids = [word for pid in pids for word in ("-p", str(pid))]
        with open(self.err, "wb") as errors:
            self.process = subprocess.Popen(
                [_strace(), "-f", "-c", "-U", "name,calls", "-o", self.out, *of_pids],
                stdin=subprocess.DEVNULL, stderr=errors)
        self._wait_until_attached(len(pids))

    def _wait_until_attached(self, count):
        deadline = time.monotonic() + ATTACH_SECONDS
        while self._said().count(" attached") < count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise Missing(f"strace cannot attach: {self._said().strip()}")
            time.sleep(0.01)

    def _said(self):
        with open(self.err, encoding="utf-8", errors="replace") as errors:
            return errors.read()

    def stop(self):
        """{system call: how many}"""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        with open(self.out, encoding="utf-8") as lines:
            words = [line.split() for line in lines]
        return {pair[0]: int(pair[1]) for pair in words
                if len(pair) == 2 and pair[1].isdigit() and pair[0] != "total"}


def _at_rest(bench, peer):
    """{system call: how many in a second} while nobody wants anything."""
    counter = Counter(bench, peer.workers())
    time.sleep(REST_SECONDS)
    return {name: number / REST_SECONDS for name, number in counter.stop().items()}


def count(bench, peer_class, mode, arguments):
    """({system call: how many for each operation}, how many calls in a second at rest) of one
    peer's workers.  What a server does by the clock is not for the message, and is taken out."""
    host = bench.families[0][1]
    with peer_class(bench) as peer, \
            load(bench, mode, host, peer.ports[host], seconds=60, **arguments) as one:
        one.reach("ready")
        at_rest = _at_rest(bench, peer)
        counter = Counter(bench, peer.workers())
        begin = time.monotonic()
        one.go()
        operations = one.result()["count"]
        calls = counter.stop()
        seconds = time.monotonic() - begin
    return {name: max(0.0, number - at_rest.get(name, 0) * seconds) / operations
            for name, number in calls.items()}, sum(at_rest.values())


def without_waiting(calls):
    """How many readinesses one epoll_wait brings is a matter of timing, which strace changes; the
    other calls are the program's own doing."""
    return sum(number for name, number in calls.items() if name not in WAITING)


class Comparison:
    """The same short run for prongd and the floor.  `judged`: it is a target that both make the
    same number of calls."""

    def __init__(self, bench, peer_classes, title, mode, judged=False, **arguments):
        self.title = title
        self.judged = judged
        self.one_at_a_time = arguments["connections"] == 1
        counted = {one.name: count(bench, one, mode, arguments)
                   for one in peer_classes if one in (Prongd, Floor)}
        self.counts = {name: calls for name, (calls, _) in counted.items()}
        self.at_rest = {name: calls for name, (_, calls) in counted.items()}

    def table(self):
        names = sorted({name for calls in self.counts.values() for name in calls})
        head = ["", "all", "without waiting", *names, "at rest, in a second"]
        rows = [[peer, f"{sum(calls.values()):.3f}", f"{without_waiting(calls):.3f}",
                 *(f"{calls.get(name, 0):.3f}" for name in names), f"{self.at_rest[peer]:.0f}"]
                for peer, calls in self.counts.items()]
        return Table(self.title, head, rows)

    def as_json(self):
        return {"title": self.title, "peers": self.counts, "at_rest": self.at_rest}

    def verdicts(self):
        """With one message under way at a time each needs its own epoll_wait, and all calls must
        be the same; with many, all others."""
        if not self.judged or len(self.counts) < 2:
            return []
        number = (lambda calls: sum(calls.values())) if self.one_at_a_time else without_waiting
        own, floor = number(self.counts[Prongd.name]), number(self.counts[Floor.name])
        which = "" if self.one_at_a_time else " without waiting"
        return [Verdict(f"{self.title}{which}", f"{own:.3f}", f"the floor's {floor:.3f}",
                        own <= floor + TOLERANCE)]
