# SPDX-License-Identifier: MIT
"""One run of the bench: what it was told, and where things are."""

import pathlib
import sys

from . import build, cpus, network

DIRECTORY = pathlib.Path(__file__).resolve().parents[1]


class Bench:
    def __init__(self, options, build_directory, scratch):
        self.rounds = options.rounds  # None: as many as each case says
        self.quick = options.quick
        self.words = [word.lower() for word in options.words]
        self.only_workers = options.workers  # None: as many as each case says
        self.workers = options.workers or 2
        self.directory = DIRECTORY
        self.scratch = pathlib.Path(scratch)
        self.files = 0
        self.server_cpus, self.client_cpus = cpus.shares(self.workers)
        self.families = network.families()
        self.own_network = False
        self.load_program = build_directory / "tests" / "bench" / "bench-load"
        self.floor_program = build_directory / "tests" / "bench" / "bench-floor"
        self.steady_program = build_directory / "tests" / "load" / "steady-load"
        self.prongd_program = build_directory / "daemon" / "prongd"
        self.prongctl_program = build_directory / "daemon" / "prongctl"
        build.check(self.load_program)
        build.check(self.floor_program)

    def new_file(self, name):
        """A path that nothing else has, in a folder that goes with the run."""
        self.files += 1
        return str(self.scratch / f"{self.files}-{name}")

    def rounds_of(self, case):
        return self.rounds or (2 if self.quick else case.rounds)

    def lanes_of(self, case):
        """Those that were asked for."""
        return [lane for lane in case.lanes(self)
                if all(word in f"{lane.title}, {lane.family}".lower() for word in self.words)]

    def sizes(self, known):
        """Numbers of workers, for a case that compares several."""
        return (self.only_workers,) if self.only_workers else known

    def progress(self, text):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()

    def seconds(self):
        """How long one turn measures."""
        return 0.2 if self.quick else 0.8
