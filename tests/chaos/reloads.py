#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reloads and killed workers under load: nobody is refused, nothing is lost but with its worker.

Usage: PRONG_BUILD=build/release tests/chaos/reloads.py [SECONDS [RATE [RELOADS [KILLS]]]]

While RATE connections a second come and go (2000), there are RELOADS (50), every other one of a
broken configuration, and KILLS of workers (200).  A worker is stopped first, to see which
connections live in it: those alone may be lost.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from daemon import Daemon, eventually, server  # noqa: E402
from descriptors import audit  # noqa: E402

CHURN = Path(__file__).parent / "churn.py"
BACKLOG = "backlog = 4096\n"
GOOD = server("echo", "echo") + BACKLOG
BROKEN = [
    GOOD + "backlgo = 1\n",
    GOOD + "timeout = soon\n",
    GOOD + "ipv6_only = yes\n",
    GOOD + server("late", "echo", listen="unix:/no/such/directory/socket"),
    GOOD + "[server late\n",
]


def sockets_of(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return {int(link[len("socket:["):-1]) for link in links if link.startswith("socket:[")}


def ports_in(pid):
    """The ports of the clients whose connections are in a process."""
    inodes = sockets_of(pid)
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {int(row[2].split(":")[1], 16) for row in rows if int(row[9]) in inodes} - {0}


class Trial:
    def __init__(self, daemon, rate):
        self.daemon = daemon
        self.rate = rate
        self.excused = []  # (port, when)
        self.kills = self.reloads = self.refused_reloads = 0
        self.failures = []

    # --- what happens ---

    def ready_workers(self):
        return [w["pid"] for w in self.daemon.status()["workers"] if w["state"] == "ready"]

    def kill_a_worker(self):
        pid = random.choice(eventually(self.ready_workers, "there is a worker"))
        try:
            os.kill(pid, signal.SIGSTOP)
            eventually(lambda: is_stopped(pid), "it stands still")
            now = time.monotonic()
            self.excused += [(port, now) for port in ports_in(pid)]
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return
        self.kills += 1

    def reload(self):
        is_good = self.reloads % 2 == 0
        self.reloads += 1
        self.daemon.write_config(GOOD if is_good else random.choice(BROKEN))
        answer = self.daemon.ctl("reload", "--no-wait")
        if is_good and answer.returncode != 0 and "ended before all were ready" in answer.stderr:
            self.refused_reloads += 1  # a worker of the new generation was killed
        elif is_good != (answer.returncode == 0):
            self.failures.append(f"reload: {answer.returncode} {answer.stdout}{answer.stderr}")
        elif not is_good and not answer.stderr.startswith("prongctl: "):
            self.failures.append(f"no reason: {answer.stderr}")

    # --- all of it ---

    def schedule(self, seconds, reloads, kills):
        acts = [self.reload] * reloads + [self.kill_a_worker] * kills
        random.shuffle(acts)
        begin = time.monotonic()
        for number, act in enumerate(acts):
            time.sleep(max(0, begin + seconds * number / len(acts) - time.monotonic()))
            act()

    def run(self, seconds, reloads, kills):
        host, port = self.daemon.address("echo")
        with subprocess.Popen([sys.executable, CHURN, host, str(port), str(self.rate), "5"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as churn:
            assert churn.stdout.readline() == "begun\n"
            self.schedule(seconds, reloads, kills)
            churn.stdin.close()
            report = json.loads(churn.stdout.readline())
        return report

    def unexcused(self, report):
        """Those that were lost, and did not live in a worker when it was killed."""
        return [lost for lost in report["lost"]
                if not any(port == lost["port"] and lost["from"] <= when <= lost["to"]
                           for port, when in self.excused)]


def is_stopped(pid):
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] in "TZX"


def check(trial, report):
    """What went wrong, as sentences."""
    problems = list(trial.failures)
    if report["refused"]:
        problems.append(f"{report['refused']} connections were refused")
    problems += [f"lost: {lost}" for lost in trial.unexcused(report)[:20]]
    problems += [f"wrong: {wrong}" for wrong in report["wrong"][:20]]
    return problems


def summary(trial, report):
    return (f"{report['opened']} connections, {report['per_second']:.0f} a second, "
            f"{trial.reloads} reloads ({trial.refused_reloads} good ones met a killed worker), "
            f"{trial.kills} kills; refused {report['refused']}, lost {len(report['lost'])}, of "
            f"them without a killed worker {len(trial.unexcused(report))}; the slowest connect "
            f"took {report['slowest_connect_s']:.2f} s")


def run(daemon, seconds, rate, reloads, kills):
    """A daemon that serves GOOD; returns what went wrong and a summary."""
    trial = Trial(daemon, rate)
    report = trial.run(seconds, reloads, kills)
    daemon.write_config(GOOD)
    answer = daemon.ctl("reload")
    if answer.returncode != 0:
        trial.failures.append(f"the last reload: {answer.stderr}")
    daemon.descriptors.clear()
    audit(daemon)
    return check(trial, report), summary(trial, report)


def main():
    numbers = [int(word) for word in sys.argv[1:]]
    seconds, rate, reloads, kills = numbers + [60, 2000, 50, 200][len(numbers):]
    daemon = Daemon(GOOD, workers=4)
    try:
        daemon.start()
        problems, text = run(daemon, seconds, rate, reloads, kills)
    finally:
        daemon.finish()
    print(text)
    print("\n".join(problems) or "nobody noticed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
