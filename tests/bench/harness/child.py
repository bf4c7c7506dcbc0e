# SPDX-License-Identifier: MIT
"""Processes that the bench starts: servers, the load, tools."""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import time

from .trouble import Trouble

STOP_SECONDS = 10

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _settle_in(cpus):
    """In the new process, before its program starts: on its CPUs, and it ends when the bench
    does, however that happens."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.sched_setaffinity(0, cpus)


class Child:
    """A program on its own CPUs, in a process group of its own, that tells its news in lines of
    JSON.  What it says on standard error goes to a file and is shown when something goes wrong."""

    def __init__(self, arguments, cpus, errors_file, environment=None):
        self.name = os.path.basename(arguments[0])
        self.errors_file = errors_file
        self._unread = b""
        with open(errors_file, "wb") as errors:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True, env={**os.environ, **(environment or {})},
                preexec_fn=lambda: _settle_in(cpus))
        self.pid = self.process.pid

    def errors(self):
        with open(self.errors_file, encoding="utf-8", errors="replace") as errors:
            return errors.read()[-2000:].strip()

    def trouble(self, what):
        return Trouble(f"{self.name}: {what}\n{self.errors()}".strip())

    def read_json(self, seconds):
        return json.loads(self._read_line(time.monotonic() + seconds))

    def _read_line(self, deadline):
        out = self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise self.trouble("no answer in time")
                piece = os.read(out.fileno(), 65536)
                if not piece:
                    raise self.trouble(f"ended with status {self.process.wait()}")
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def write_line(self, text=""):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, seconds=STOP_SECONDS):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.trouble(f"still runs after {seconds} s") from None

    def stop(self, first=signal.SIGTERM):
        """Asks it to end, then ends its whole group.  Accepts one that has ended."""
        if self.process.poll() is None:
            self.process.send_signal(first)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
