# SPDX-License-Identifier: MIT
"""What is around a daemon and can go wrong: its clock, and the places that its log goes to."""

import fcntl
import os
import shlex
import subprocess
from pathlib import Path

import daemon as harness
from daemon import BUILD

FAKETIME = "faketime/libfaketime.so.1"
FAKETIME_FILES = "/dev/shm/faketime"  # which it leaves open in every process
F_SETPIPE_SZ = 1031  # linux/fcntl.h

WRAPPER = """#!/bin/sh
{mount}
export LD_PRELOAD={preload} FAKETIME_TIMESTAMP_FILE={offset}
export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1
exec {program} "$@"
"""


def find_faketime():
    """None: it is not installed."""
    return next(map(str, Path("/usr/lib").glob(f"*/{FAKETIME}")), None)


def find_sanitizer():
    """It must be loaded before everything else."""
    listed = subprocess.run(["ldd", BUILD / "daemon/prongd"], capture_output=True, text=True)
    return [line.split()[2] for line in listed.stdout.splitlines() if "libasan" in line]


def may_mount():
    return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True).returncode == 0


class Surroundings:
    """Of daemons that are started from now on, in a directory that exists."""

    def __init__(self, directory):
        self.directory = directory
        self.offset = directory / "clock"
        self.small = directory / "small"
        self.pipe = directory / "pipe"
        self.small.mkdir()
        self.set_clock(0)
        os.mkfifo(self.pipe)
        self.reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)  # and never reads
        fcntl.fcntl(self.reader, F_SETPIPE_SZ, 4096)
        self.use()

    def use(self):
        faketime = find_faketime()
        mounts = may_mount()
        mount = f"mount -t tmpfs -o size=16k none {shlex.quote(str(self.small))}" if mounts else ""
        script = self.directory / "prongd"
        script.write_text(WRAPPER.format(
            mount=mount, preload=shlex.quote(" ".join(find_sanitizer() + [faketime or ""])),
            offset=shlex.quote(str(self.offset)), program=shlex.quote(str(harness.PRONGD))))
        script.chmod(0o755)
        if mounts:
            outer = self.directory / "prongd-outer"
            outer.write_text(f'#!/bin/sh\nexec unshare --mount {script} "$@"\n')
            outer.chmod(0o755)
            script = outer
        self.program, harness.PRONGD = harness.PRONGD, script
        self.has_clock = faketime is not None

    def set_clock(self, seconds):
        """So far from the real time, seen within a second.  In one step, as a reader needs it."""
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.rename(self.offset)

    def log_targets(self):
        """Those that take nothing any more, and the one that does."""
        return [None, self.pipe, "/dev/full", self.small / "log"]

    def close(self):
        harness.PRONGD = self.program
        os.close(self.reader)
