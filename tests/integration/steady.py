# SPDX-License-Identifier: MIT
"""steady-load (tests/load): connections that stay, every byte of which is checked."""

import json
import subprocess

from daemon import BUILD, PATIENCE

PROGRAM = BUILD / "tests/load/steady-load"


def as_text(address):
    """The way steady-load writes what Daemon.addresses() gives."""
    if isinstance(address, str):
        return address
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Report(dict):
    """What was seen since the report before."""

    def faults(self):
        return {name: count for name, count in self["faults"].items() if count}

    def assert_flawless(self):
        assert not self.faults(), f"{self.faults()}, the first: {self['first_fault']}"


class SteadyLoad:
    """`with SteadyLoad(addresses, connections=200, streams=40) as load:` opens them all.

    `through`: the words of a command that runs it elsewhere."""

    def __init__(self, addresses, through=(), **options):
        self.command_line = [*through, PROGRAM]
        self.command_line += [f"--{name}={value}" for name, value in options.items()]
        self.command_line += [as_text(address) for address in addresses]
        self.process = None
        self.opened = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command_line, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.opened = self._answer("open")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def command(self, name):
        """go, rest, report, check or open: its report."""
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return self._answer(name)

    def _answer(self, name):
        line = self.process.stdout.readline()
        assert line, f"steady-load ended with status {self.process.wait()}"
        report = Report(json.loads(line))
        assert report["command"] == name, (name, report)
        return report
