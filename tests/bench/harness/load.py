# SPDX-License-Identifier: MIT
"""The load generator, bench-load, as the cases drive it: phase by phase."""

import contextlib

from .child import Child
from .trouble import Trouble

PHASE_SECONDS = 120


class Load:
    """One run of bench-load.  Between reach() and go() nothing happens on the network: that is
    when the servers' clocks and memory are read."""

    def __init__(self, bench, mode, cpus, arguments):
        options = [f"--{name.replace('_', '-')}={value}" for name, value in arguments.items()]
        self.child = Child([str(bench.load_program), *options, mode], cpus,
                           bench.new_file("load.err"))

    def reach(self, phase):
        news = self.child.read_json(PHASE_SECONDS)
        if news.get("phase") != phase:
            raise self.child.trouble(f"expected the phase {phase}, got {news}")

    def go(self, command=""):
        self.child.write_line(command)

    def result(self):
        """Count, seconds, rate, p50_us, p99_us, max_us."""
        result = self.child.read_json(PHASE_SECONDS)
        errors = result["errors"] + result["lost"]
        if errors > 0:
            raise Trouble(f"bench-load {result['mode']}: {errors} errors, the first: "
                          f"{result['first_error']}")
        return result


@contextlib.contextmanager
def load(bench, mode, host, port, cpus=None, **arguments):
    one = Load(bench, mode, cpus or bench.client_cpus, {"host": host, "port": port, **arguments})
    try:
        yield one
    finally:
        one.child.stop()
