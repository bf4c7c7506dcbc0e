# SPDX-License-Identifier: MIT
"""Pairs that the proxy relays, while everything happens to workers and upstreams at once.

pairs.py has both ends of every pair, and checks every byte and every end: a reset travels to the
other side, and what looks like an end is behind the last byte.  Only a pair that a killed worker had
may be lost, or one whose upstream fell before it had a word.  Afterwards nothing may be left: no
connection, no descriptor, no pipe, no place at an upstream, no memory.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from arrivals import unexcused
from daemon import Daemon, eventually, server
from descriptors import audit, kinds
from listeners import rss_kib
from plans import SERVERS
from process import Process
from trial import PATIENCE, raise_limit, use_program
from uses import Programs

PAIRS = Path(__file__).with_name("pairs.py")
FIRST_WORKERS, SCALES = 2, (1, 2, 4, 8)
SETTINGS = {"shutdown_timeout": "1h", "handoff_timeout": "5s", "max_respawns": 1000}
OPTIONS = {"connect_timeout": "1m", "try_timeout": "10s", "fail_timeout": "300ms",
           "backlog": 1024}
GAP_S = 0.3  # between two acts, at most

# Who waits for a place stays in its old worker, and of so many generations the oldest is closed.
MOST_GENERATIONS = 8
SCARCE_PLACES = 5
DRAINED = "plain"  # has more upstreams than may be drained, gone and found to be down at a time

# What happens, and how often.
ACTS = {"reload": 5, "broken_reload": 2, "reloads": 2, "recycle": 4, "scale": 3, "upgrade": 1,
        "rebalance": 3, "drain": 3, "kill_one": 2, "stop_one": 2, "fall": 2, "close": 2}


def sections(backends):
    """`backends`: the upstreams of each server, as they are written."""
    return "".join(
        server(name, "proxy", **row.options, **OPTIONS,
               upstream=", ".join(one + more for one, more in zip(backends[name], row.upstreams)))
        for name, row in SERVERS.items())


class Pairs:
    """The load, a process of its own; `report` adds up what it reported."""

    def __init__(self, seed):
        self.process = subprocess.Popen([sys.executable, PAIRS, str(seed)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.backends = self.answer()
        self.lost, self.wrong, self.last = [], [], Counter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"the load ended with status {self.process.wait()}"
        return json.loads(line)

    def command(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def report(self, word="report"):
        self.last = Counter(self.command(word))
        self.lost += self.last.pop("lost")
        self.wrong += self.last.pop("wrong")
        return self.last


def names(pid):
    """Of its descriptors."""
    try:
        return list(kinds(pid))
    except OSError:
        return []


def is_pipe(name):
    return name.startswith("pipe:")


class Relay(Process):
    settings = SETTINGS

    def __init__(self, daemon, chance, load, programs):
        super().__init__(daemon, chance)
        self.sections = sections(load.backends)
        self.load, self.programs = load, programs
        self.running = []  # commands
        self.drained = None
        self.fallen = {}  # the upstream of each server that is not there

    # --- what moves pairs ---

    def begin(self, *words):
        self.running.append(self.begin_ctl(*words))

    def begin_generation(self, *words):
        """Unless there may be too many, with those that have not begun yet."""
        alive = {row["generation"] for row in self.status()["workers"]}
        if len(alive) + len(self.running) < MOST_GENERATIONS - 1:
            self.begin(*words)

    def finish(self, running):
        answer = self.finish_ctl(running)
        self.counts["refused"] += answer.returncode != 0
        if answer.returncode != 0 and not answer.stderr:
            self.fail(f"{answer.args[3:]} fails without a reason")

    def collect(self, everything=False):
        for one in [one for one in self.running if everything or one.poll() is not None]:
            self.running.remove(one)
            self.finish(one)

    def reload(self):
        self.begin_generation("reload")

    def reloads(self):
        for _ in range(self.chance.randrange(2, 5)):
            self.begin_generation("reload", "--no-wait")
            time.sleep(self.chance.random() / 20)

    def recycle(self):
        self.begin("recycle", self.chance.randrange(4))

    def scale(self):
        self.begin_generation("workers", self.chance.choice(SCALES))

    def upgrade(self):
        self.programs.install_other()
        self.begin_generation("upgrade")

    def rebalance(self):
        self.begin("rebalance")

    # --- upstreams ---

    def drain(self):
        """One upstream of several; the next time it is used again."""
        if self.drained is None:
            self.drained = self.chance.choice(self.load.backends[DRAINED])
            self.begin("drain", DRAINED, self.drained)
        else:
            self.begin("undrain", DRAINED, self.drained)
            self.drained = None

    def lose_upstream(self, how):
        """One of a server at a time, or it is there again; another one always takes clients."""
        name = self.chance.choice(list(SERVERS))
        number = self.chance.randrange(len(SERVERS[name].upstreams))
        if name in self.fallen:
            self.load.command("rise", name, self.fallen.pop(name))
        else:
            self.fallen[name] = number
            self.load.command(how, name, number)

    def fall(self):
        self.lose_upstream("fall")

    def close(self):
        self.lose_upstream("close")

    def repair(self):
        """All upstreams are there."""
        for name, number in self.fallen.items():
            self.load.command("rise", name, number)
        self.fallen.clear()
        if self.drained is not None:
            self.drain()

    # --- all of it ---

    def note_pipes(self):
        """How many there were at once at most."""
        count = sum(map(is_pipe, (name for pid in self.workers() for name in names(pid))))
        self.counts["pipes"] = max(self.counts["pipes"], count)

    def run(self, seconds, pairs, rate, progress):
        addresses = {name: self.daemon.address(name) for name in SERVERS}
        self.load.command("go", pairs, rate, json.dumps(addresses))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            act = self.chance.choices(list(ACTS), list(ACTS.values()))[0]
            getattr(self, act)()
            self.counts[act] += 1
            time.sleep(self.chance.random() * GAP_S)
            self.collect()
            self.note_pipes()
            self.tell(act, progress)

    def tell(self, act, progress):
        """What is new."""
        known = len(self.problems_of_pairs())
        self.load.report()
        progress(f"{act}: {self.pairs_summary()}")
        for problem in self.problems_of_pairs()[known:]:
            progress(problem)

    # --- afterwards ---

    def end(self, progress):
        self.repair()
        self.collect(everything=True)
        self.load.report("rest")
        self.tell("rest", progress)
        self.settle()
        try:
            eventually(lambda: self.daemon.connections() == 0, "no pair is left", PATIENCE)
        except AssertionError as failure:
            self.fail(f"{failure}: {self.ctl('connections').stdout}")
        self.check_counts()
        self.check_places()
        self.check_descriptors()

    def check_counts(self):
        """Over all workers, those that are gone included, no upstream has a connection."""
        items = self.status()["items"]
        taken = {one["name"]: one["connections"] for one in items if one["connections"]}
        if taken or not items:
            self.fail(f"upstreams have connections after the last pair: {taken or items}")

    def check_places(self):
        """None is still taken, and none is there twice."""
        reached = self.load.command("fill", "scarce", 2 * SCARCE_PLACES)
        if reached != SCARCE_PLACES:
            self.fail(f"{reached} clients at once reached {SCARCE_PLACES} places")

    def check_descriptors(self):
        self.daemon.descriptors.clear()
        try:
            audit(self.daemon, optional={"epoll": 1})  # the set of paused sockets
        except AssertionError as failure:
            self.fail(str(failure))

    def memory_kib(self):
        """Of the largest worker."""
        return max(rss_kib(pid) for pid in self.daemon.worker_pids())

    def check_memory(self, before_kib, growth_kib):
        grown_kib = self.memory_kib() - before_kib
        if growth_kib and grown_kib > growth_kib:
            self.fail(f"a worker has {grown_kib} KiB more than in the beginning")

    def problems_of_pairs(self):
        lost = unexcused(self.load.lost, self.excused)
        return [f"lost: {one}" for one in lost[:20]] + [f"wrong: {one}" for one in
                                                        self.load.wrong[:20]]

    def pairs_summary(self):
        last = self.load.last
        return (f"{last['pairs']} pairs, {last['bytes'] >> 20} MiB, {last['resets']} resets seen, "
                f"{len(self.load.lost)} lost with their worker, {last['fallen']} with their "
                f"upstream")


def run(chance, seconds, pairs, rate, growth_kib, progress=lambda text: None):
    """What went wrong, and a summary.  `growth_kib`: how much memory a worker may keep; 0: any."""
    raise_limit()
    with tempfile.TemporaryDirectory(prefix="prong-relay-") as directory, \
            Pairs(chance.randrange(1 << 30)) as load:
        programs = Programs(directory)
        use_program(programs.installed)
        daemon = Daemon(sections(load.backends), FIRST_WORKERS, **SETTINGS)
        trial = Relay(daemon, chance, load, programs)
        try:
            daemon.start()
            memory_kib = trial.memory_kib()
            trial.run(seconds, pairs, rate, progress)
            trial.end(progress)
            trial.check_memory(memory_kib, growth_kib)
            trial.problems += trial.problems_of_pairs()
            daemon.descriptors.clear()
        finally:
            trial.clean_up()
    return trial.problems, f"{trial.pairs_summary()}\n{trial.summary()}"
