# SPDX-License-Identifier: MIT
"""The control socket and the metrics listener under everything that a stranger may do to them, while
the master's loop and a client are watched.

The master tells systemd at a period that its loop runs: how much later than that it does is how long
its loop was busy with something else, or the machine with somebody else.
"""

import multiprocessing
import os
import socket
import tempfile
import time
import urllib.request
from pathlib import Path

from attackers import CONTROL_LINES, HTTP_LINES, Attackers
from daemon import PATIENCE, Daemon, eventually, server

WATCHDOG_US = 20_000
PERIOD_S = WATCHDOG_US / 2e6
ECHO_S = 0.01
METRICS = "127.0.0.1"


# --- what is measured, in processes of their own ---


def watch_loop(path, stop, results):
    """How late the master's signs of life are."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(0.5)
        last, late = None, []
        results.put("ready")
        while not stop.is_set():
            try:
                message = manager.recv(4096)
            except TimeoutError:
                continue
            if b"WATCHDOG=1" not in message:
                continue
            now = time.monotonic()
            if last is not None:
                late.append(max(0.0, now - last - PERIOD_S))
            last = now
        results.put(late)


def watch_client(address, stop, results):
    """How long an echo takes."""
    took = []
    with socket.create_connection(address, timeout=PATIENCE) as client:
        results.put("ready")
        while not stop.is_set():
            before = time.monotonic()
            client.sendall(b"x")
            if client.recv(1) != b"x":
                break
            took.append(time.monotonic() - before)
            time.sleep(ECHO_S)
    results.put(took)


def watch_machine(period_s, stop, results):
    """How late a process is that does nothing but sleep: what is the machine's, not the master's.  In a
    session of its own, as prongd is, for which it gets the same share of the CPUs."""
    os.setsid()
    late = []
    results.put("ready")
    while not stop.is_set():
        before = time.monotonic()
        time.sleep(period_s)
        late.append(max(0.0, time.monotonic() - before - period_s))
    results.put(late)


class Watch:
    def __init__(self, function, argument):
        self.stop, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(
            target=function, args=(argument, self.stop, self.results), daemon=True)
        self.process.start()
        assert self.results.get(timeout=PATIENCE) == "ready"

    def end(self):
        self.stop.set()
        values = self.results.get(timeout=PATIENCE)
        self.process.join(PATIENCE)
        return sorted(values)


def in_ms(values, share):
    return 1000 * values[min(len(values) - 1, int(share * len(values)))] if values else float("inf")


def describe(what, values):
    return (f"{what}: median {in_ms(values, 0.5):.1f} ms, 99.9 % {in_ms(values, 0.999):.1f} ms, "
            f"longest {in_ms(values, 1):.1f} ms of {len(values)}")


# --- the daemon ---


def free_port():
    with socket.socket() as probe:
        probe.bind((METRICS, 0))
        return probe.getsockname()[1]


def rss_kib(pid):
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS"))
    return int(line.split()[1])


class Trial:
    def __init__(self):
        self.metrics = (METRICS, free_port())
        self.daemon = Daemon(server("echo", "echo"),
                             metrics_listen=f"{METRICS}:{self.metrics[1]}")
        self.directory = tempfile.TemporaryDirectory(prefix="prong-")
        notify = Path(self.directory.name) / "notify"
        self.loop = Watch(watch_loop, notify)
        os.environ.update(NOTIFY_SOCKET=str(notify), WATCHDOG_USEC=str(WATCHDOG_US))
        try:
            self.daemon.start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        self.client = Watch(watch_client, self.daemon.address("echo"))
        self.machine = Watch(watch_machine, PERIOD_S)
        self.workers = set(self.daemon.worker_pids())

    def processes(self):
        """Master, workers and observer."""
        master = self.daemon.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def memory(self):
        """Of those that listen, in KiB: the master, and the child that is no worker."""
        return sum(rss_kib(pid) for pid in self.processes() if pid not in self.workers)

    def is_healthy(self):
        try:
            with urllib.request.urlopen(f"http://{METRICS}:{self.metrics[1]}/healthz",
                                        timeout=PATIENCE) as answer:
                return answer.status == 200 and self.daemon.try_status() is not None
        except OSError:
            return False

    def addresses(self):
        return {self.daemon.control: CONTROL_LINES, self.metrics: HTTP_LINES}


def run(chance, seconds=600, lag_ms=20, growth_kib=4096, progress=print):
    """`lag_ms`, `growth_kib`: how long the loop may be busy, where the machine itself is not slower,
    and how much memory may grow; 0: any."""
    trial = Trial()
    problems = []
    try:
        with Attackers(chance, trial.addresses()) as attackers:
            time.sleep(seconds / 4)
            memory = trial.memory()
            before = trial.processes()
            time.sleep(seconds * 3 / 4)
            eventually(lambda: not attackers.idle(), "each of them has done something")
        late, took, idle = (watch.end() for watch in (trial.loop, trial.client, trial.machine))
        problems += judge(trial, before, late, took)
        grown = trial.memory() - memory
    finally:
        trial.daemon.finish()
        trial.directory.cleanup()
    if lag_ms and in_ms(late, 1) >= max(lag_ms, in_ms(idle, 1)):
        problems.append(f"the master's loop was late by {lag_ms} ms or more")
    if growth_kib and grown > growth_kib:
        problems.append(f"memory grew by more than {growth_kib} KiB")
    summary = "\n".join([f"{attackers.total()} attacks in {seconds} s",
                         describe("master late", late), describe("machine late", idle),
                         describe("echo", took),
                         f"memory of master and observer: {grown:+d} KiB"])
    progress("")
    return problems, summary


def judge(trial, before, late, took):
    problems = []
    if not (late and took):
        problems.append("the master gave no sign of life, or the client got no echo")
    eventually(trial.is_healthy, "it is healthy when they are gone")
    if trial.processes() != before:
        problems.append(f"processes were replaced: {before}, now {trial.processes()}")
    return problems
