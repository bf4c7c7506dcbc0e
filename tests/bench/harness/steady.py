# SPDX-License-Identifier: MIT
"""The load of connections that stay, every byte of which is checked: steady-load."""

import contextlib

from .child import Child

ANSWER_SECONDS = 120


class Steady:
    def __init__(self, bench, address, options):
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self.child = Child([str(bench.steady_program), *arguments, address], bench.client_cpus,
                           bench.new_file("steady.err"))
        self.opened = self._answer("open")

    def command(self, name):
        """go, rest, report, check or open: what was seen since the command before."""
        self.child.write_line(name)
        return self._answer(name)

    def _answer(self, name):
        report = self.child.read_json(ANSWER_SECONDS)
        if report["command"] != name:
            raise self.child.trouble(f"expected an answer to {name}, got {report}")
        return report


def faults(report):
    return sum(report["faults"].values())


@contextlib.contextmanager
def steady(bench, host, port, **options):
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    one = Steady(bench, address, options)
    try:
        yield one
    finally:
        one.child.stop()
