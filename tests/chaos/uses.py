# SPDX-License-Identifier: MIT
"""Everything that moves connections, in random order and without any fault: reloads, upgrades to a
really different program, other numbers of workers, recycled workers, rebalancing.

Connections that stay, a tenth of which send numbered streams, over IPv4 and IPv6: no byte is lost,
doubled or reordered, no connection ends, and after each use its old processes are gone and the load
is even again.
"""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import daemon as harness
from daemon import Daemon, eventually, server
from descriptors import audit
from steady import SteadyLoad
from trial import PATIENCE, Trial, raise_limit, use_program

SETTINGS = {"shutdown_timeout": "1h", "max_respawns": 1000}
SECTIONS = server("echo", "echo", listen="127.0.0.1:0, [::1]:0")
FIRST_WORKERS, SCALES = 2, (8, 1, 4)
OFTEN = {"upgrade": 4, "recycle": 5, "rebalance": 3}
UNEVEN = 0.03  # how far from the mean a worker may be, beside two connections for each worker


class Programs:
    """Two files that are the same program, which take turns where the daemon was started from."""

    def __init__(self, directory):
        self.installed = Path(directory) / "prongd"
        self.others = [Path(directory) / name for name in ("plain", "stripped")]
        for other in self.others:
            shutil.copy(harness.PRONGD, other)
        subprocess.run(["strip", "--strip-debug", self.others[1]], check=True)
        assert self.others[0].read_bytes() != self.others[1].read_bytes()
        shutil.copy(self.others[0], self.installed)

    def install_other(self):
        """As a package does: a new file in the place of the old one."""
        self.others.reverse()
        fresh = self.installed.with_suffix(".new")
        shutil.copy(self.others[0], fresh)
        fresh.rename(self.installed)


class Uses(Trial):
    def __init__(self, daemon, chance, programs):
        super().__init__(daemon, chance)
        self.programs = programs
        self.scales = list(SCALES)
        self.workers_wanted = FIRST_WORKERS
        self.connections = 0
        self.slowest = 0

    # --- the uses ---

    def reload(self):
        return self.ctl("reload", "--json")

    def upgrade(self):
        self.programs.install_other()
        return self.ctl("upgrade", "--json")

    def scale(self):
        self.workers_wanted = self.scales.pop(0)
        return self.ctl("workers", self.workers_wanted, "--json")

    def recycle(self):
        return self.ctl("recycle", self.chance.randrange(self.workers_wanted))

    def rebalance(self):
        return self.ctl("rebalance")

    # --- and what follows ---

    def plan(self, reloads):
        """The reloads in a row, but anywhere among the others."""
        others = [name for name, times in OFTEN.items() for _ in range(times)]
        others += ["scale"] * len(SCALES)
        self.chance.shuffle(others)
        at = self.chance.randrange(len(others) + 1)
        return others[:at] + ["reload"] * reloads + others[at:]

    def is_even(self):
        counts = [row["connections"] for row in self.status()["workers"]]
        mean = sum(counts) / len(counts)
        return max(abs(count - mean) for count in counts) <= UNEVEN * mean + 2 * len(counts)

    def use(self, name, load):
        known = self.workers()
        begin = time.monotonic()
        answer = getattr(self, name)()
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if answer.returncode != 0:
            self.fail(f"{name} failed: {answer.stderr}")
        if name in ("reload", "upgrade", "scale"):
            self.check_all_moved(name, answer, known)
        self.settle()
        try:
            eventually(self.is_even, "the load is even", PATIENCE)
        except AssertionError as failure:
            self.fail(f"after {name}: {failure}: {self.status()['workers']}")
        self.check_steady(load.command("check"))
        self.counts[name] += 1

    def check_all_moved(self, name, answer, known):
        moved = json.loads(answer.stdout or "{}").get("moved")
        if moved != self.connections:
            self.fail(f"{name} moved {moved} of {self.connections}")
        if known & self.workers():
            self.fail(f"after {name} old workers are there: {known & self.workers()}")

    def run(self, connections, reloads, progress):
        self.connections = connections
        with SteadyLoad(self.daemon.addresses("echo"), connections=connections,
                        streams=connections // 10, slow=connections // 100, interval=0.2,
                        patience=PATIENCE) as load:
            load.opened.assert_flawless()
            load.command("go")
            for number, name in enumerate(self.plan(reloads), 1):
                self.use(name, load)
                progress(f"{number}: {name}, {self.workers_wanted} workers, "
                         f"{len(self.problems)} problems")

    def summary(self):
        uses = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()) if count)
        return f"{uses}; the slowest took {self.slowest:.2f} s"


def run(chance, connections, reloads, progress=lambda text: None):
    """What went wrong, and a summary."""
    raise_limit()
    with tempfile.TemporaryDirectory(prefix="prong-uses-") as directory:
        programs = Programs(directory)
        use_program(programs.installed)
        daemon = Daemon(SECTIONS, FIRST_WORKERS, **SETTINGS)
        trial = Uses(daemon, chance, programs)
        try:
            daemon.start()
            trial.run(connections, reloads, progress)
            daemon.descriptors.clear()
            audit(daemon)
            daemon.descriptors.clear()
        finally:
            trial.clean_up()
    return trial.problems, trial.summary()
