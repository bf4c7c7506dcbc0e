# SPDX-License-Identifier: MIT
"""What is around a daemon and can go wrong: its clock, and the places that its log goes to."""

import fcntl
import os
import shlex
import subprocess

import daemon as harness
from faked_clock import FakedClock, find_library

F_SETPIPE_SZ = 1031  # linux/fcntl.h


def may_mount():
    return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True).returncode == 0


class Surroundings:
    """Of daemons that are started from now on, in a directory that exists."""

    def __init__(self, directory):
        self.directory = directory
        self.has_clock = find_library() is not None
        self.clock = FakedClock(directory)
        self.small = directory / "small"
        self.small.mkdir()
        self.pipe = directory / "pipe"
        os.mkfifo(self.pipe)
        self.reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)  # and never reads
        fcntl.fcntl(self.reader, F_SETPIPE_SZ, 4096)
        self.program, harness.PRONGD = harness.PRONGD, self.wrap(harness.PRONGD)

    def wrap(self, program):
        """In a mount namespace of its own, with a file system that is soon full."""
        if not may_mount():
            return self.clock.wrap(program)
        small = shlex.quote(str(self.small))
        script = self.clock.wrap(program, f"mount -t tmpfs -o size=16k none {small}")
        outer = self.directory / "prongd-outer"
        outer.write_text(f'#!/bin/sh\nexec unshare --mount {shlex.quote(str(script))} "$@"\n')
        outer.chmod(0o755)
        return outer

    def log_targets(self):
        """Those that take nothing any more, and the one that does."""
        return [None, self.pipe, "/dev/full", self.small / "log"]

    def close(self):
        harness.PRONGD = self.program
        os.close(self.reader)
