# SPDX-License-Identifier: MIT
"""A clock that jumps: that of one daemon, by libfaketime; never the machine's."""

import shlex
import subprocess
from pathlib import Path

from daemon import BUILD

FILES = "/dev/shm/faketime"  # which it leaves open in every process

WRAPPER = """#!/bin/sh
{before}
export LD_PRELOAD={preload} FAKETIME_TIMESTAMP_FILE={offset}
export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1
exec {program} "$@"
"""


def find_library():
    """None: it is not installed."""
    return next(map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def find_sanitizer():
    """It must be loaded before everything else."""
    listed = subprocess.run(["ldd", BUILD / "daemon/prongd"], capture_output=True, text=True)
    return [line.split()[2] for line in listed.stdout.splitlines()
            if "libasan" in line or "libtsan" in line]


class FakedClock:
    """Its files are in `directory`."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.offset = self.directory / "clock"
        self.set(0)

    def set(self, seconds):
        """So far from the real time; seen within a second."""
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.rename(self.offset)

    def wrap(self, program, before=""):
        """A program to start instead, which runs shell commands first."""
        preload = " ".join(find_sanitizer() + [find_library() or ""]).strip()
        script = self.directory / "prongd"
        script.write_text(WRAPPER.format(before=before, preload=shlex.quote(preload),
                                         offset=shlex.quote(str(self.offset)),
                                         program=shlex.quote(str(program))))
        script.chmod(0o755)
        return script
