# SPDX-License-Identifier: MIT
"""Where the programs are, and how they get there."""

import os
import pathlib
import shutil
import subprocess

from .trouble import Trouble

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGETS = ("prongd", "prongctl", "bench-floor", "bench-load", "steady-load")
TOOLS = {"cmake": "cmake", "ninja": "ninja-build", "cc": "gcc", "pkg-config": "pkg-config"}


def release():
    """Builds the release preset.  Its folder."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise Trouble("to build prong this is missing: apt-get install " + " ".join(missing))
    _say_only_errors(["cmake", "--preset", "release"])
    _say_only_errors(["cmake", "--build", "--preset", "release", "--target", *TARGETS])
    return ROOT / "build" / "release"


def _say_only_errors(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    if done.returncode != 0:
        raise Trouble(f"{' '.join(command)} failed:\n{done.stdout}")


def check(program):
    if not os.access(program, os.X_OK):
        raise Trouble(f"{program} is missing; without --build DIR the bench builds it")
