# SPDX-License-Identifier: MIT
"""A daemon under load, what is done to it, and what may be lost for that.

A connection may end when a worker dies that has a descriptor of it, and only then.  So a worker is
stopped before it is killed, and its connections are written down.
"""

import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import daemon as harness
from daemon import PRONGCTL, eventually
from victim import Victim

PATIENCE = 60  # seconds; nobody hurries on a busy machine


def raise_limit():
    """Thousands of connections need as many descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def use_program(path):
    """What daemons that are started from now on run."""
    harness.PRONGD = path


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Trial:
    """`chance` is a random.Random: the same seed makes the same choices."""

    def __init__(self, daemon, chance):
        self.daemon = daemon
        self.chance = chance
        self.excused = []  # (when, name) of each connection whose worker died
        self.may_go = set()  # the names of those that have not gone yet
        self.problems = []
        self.counts = Counter()
        self.slowest_answer = 0

    def fail(self, problem):
        self.problems.append(problem)

    # --- processes ---

    @property
    def master(self):
        return self.daemon.process.pid

    def workers(self):
        """All children that live: of every generation, and who checks an upgrade."""
        try:
            text = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
        except FileNotFoundError:
            return set()
        return {int(word) for word in text.split() if lives(int(word))}

    def stop(self, pids):
        """Nothing of theirs can change any more.  Those that are gone already do not count."""
        victims = []
        for pid in pids:
            try:
                victims.append(Victim(pid))
            except OSError:
                pass
        for victim in victims:
            self.excuse(victim.clients())
        return victims

    def kill(self, *pids):
        """All at one time."""
        victims = self.stop(pids)
        for victim in victims:
            self.signal(victim.pid, signal.SIGKILL)  # the master may have done it meanwhile
        self.counts["kills"] += len(victims)

    def kill_master(self):
        """Who its workers were: they end with it."""
        Victim(self.master)  # from here on there are no new ones
        workers = self.workers()
        victims = self.stop(workers)
        os.kill(self.master, signal.SIGKILL)
        for victim in victims:
            victim.resume()
        return workers

    def kill_slowly(self, pid, seconds):
        """Leaves it to the master, who has so long to see that it stands still."""
        try:
            victim = Victim(pid)
            self.excuse(victim.clients())
        except OSError:
            return
        try:
            eventually(lambda: not lives(pid), "a worker that hangs is ended", seconds + PATIENCE)
        except AssertionError as failure:
            self.fail(str(failure))
        self.counts["hangs"] += 1

    def excuse(self, names):
        self.excused += [(time.monotonic(), name) for name in names]
        self.may_go |= names

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # it is gone

    def pause(self, seconds, *pids):
        for pid in pids:
            self.signal(pid, signal.SIGSTOP)
        time.sleep(seconds)  # the subject is time that passes
        for pid in pids:
            self.signal(pid, signal.SIGCONT)
        self.counts["pauses"] += len(pids)

    # --- prongctl ---

    def begin_ctl(self, *words):
        """A command that runs; finish_ctl() gives its answer."""
        return subprocess.Popen([PRONGCTL, "-s", self.daemon.control, *map(str, words)], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def finish_ctl(self, running):
        try:
            output, errors = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            output, errors = running.communicate()
            self.fail(f"no answer within {PATIENCE} s: {running.args[3:]}: {errors}")
        return subprocess.CompletedProcess(running.args, running.returncode, output, errors)

    def ctl(self, *words):
        begin = time.monotonic()
        answer = self.finish_ctl(self.begin_ctl(*words))
        self.slowest_answer = max(self.slowest_answer, time.monotonic() - begin)
        return answer

    def status(self):
        answer = self.ctl("status", "--json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    # --- afterwards ---

    def is_settled(self):
        """One generation, each place with a worker that is ready, and nobody else."""
        rows = self.status()["workers"]
        return (all(row["state"] == "ready" for row in rows)
                and len({row["generation"] for row in rows}) == 1
                and self.workers() == {row["pid"] for row in rows})

    def settle(self):
        try:
            eventually(self.is_settled, "all is as it should be", PATIENCE)
        except AssertionError as failure:
            self.fail(f"{failure}: {self.status()['workers']}, processes {self.workers()}")

    def check_steady(self, report):
        """Of steady-load: nothing went wrong but that connections ended whose worker died.  The
        names of those that are gone."""
        gone = set(report["gone"])
        if set(report.faults()) - {"reset", "end"}:
            self.fail(f"{report.faults()}, the first: {report['first_fault']}")
        if gone - self.may_go:
            self.fail(f"lost without a killed worker: {sorted(gone - self.may_go)[:10]}; "
                      f"the first: {report['first_fault']}")
        self.counts["lost with their worker"] += len(gone & self.may_go)
        self.may_go -= gone
        return gone

    def reopen(self, load):
        """Connections that are lost; the end of some is seen only meanwhile.  Each may be gone once."""
        try:
            eventually(lambda: not self.check_steady(load.command("open")),
                       "nobody is lost any more", PATIENCE)
        except AssertionError as failure:
            self.fail(str(failure))

    def clean_up(self):
        """Ends the daemon; when something went wrong, its log is kept."""
        log = self.daemon.log()
        try:
            self.daemon.finish()
        except (AssertionError, subprocess.TimeoutExpired) as failure:
            self.fail(str(failure)[:2000])
        if self.problems:
            with tempfile.NamedTemporaryFile("w", prefix="prong-chaos-", suffix=".log",
                                             delete=False) as kept:
                kept.write(log)
            self.fail(f"the log is kept in {kept.name}")
