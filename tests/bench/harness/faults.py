# SPDX-License-Identifier: MIT
"""Workers that are stopped for a while, at given moments of a run.

A worker that has a connection in its hands when it is stopped can answer it only later, however
good the balance.  So a worker is stopped while it waits for events: what happens to those who come
then is what is measured.
"""

import os
import pathlib
import platform
import signal
import threading
import time

# The system calls that wait for events, by architecture; of another one all moments are the same.
WAITING = {"x86_64": {232, 281, 441}, "aarch64": {22, 441}}.get(platform.machine())

TRIES = 100


def _waits(pid):
    if WAITING is None:
        return True
    try:
        number = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0]
    except PermissionError:
        return True
    return number.isdigit() and int(number) in WAITING


def _is_stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stop(pid):
    for _ in range(TRIES):
        os.kill(pid, signal.SIGSTOP)
        while not _is_stopped(pid):
            time.sleep(0)
        if _waits(pid):
            return
        go_on(pid)


def go_on(pid):
    os.kill(pid, signal.SIGCONT)


class Plan:
    """`with Plan([(0.5, stop, pid), (1.5, go_on, pid)]):`; all of it has happened at the end."""

    def __init__(self, steps):
        self.steps = sorted(steps, key=lambda step: step[0])
        self.thread = threading.Thread(target=self._play)

    def _play(self):
        begun = time.monotonic()
        for moment, act, pid in self.steps:
            time.sleep(max(0, begun + moment - time.monotonic()))
            act(pid)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join()
