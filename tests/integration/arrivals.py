# SPDX-License-Identifier: MIT
"""Connections that arrive at a steady rate at a server that greets, and stay: the bench's load."""

import json
import subprocess
import sys

from daemon import BUILD, PATIENCE, TREE

sys.path.append(str(TREE / "tests/bench"))
from harness.connections import client_ports  # noqa: E402

PROGRAM = BUILD / "tests/bench/bench-load"


class Arrivals:
    """`with Arrivals(address, most=1000, rate=500) as load:`.

    `errors` are connections that were refused, or not greeted in 10 s; `lost` are those that were
    greeted and then closed by the server.
    """

    def __init__(self, address, most, rate):
        host, port = address
        self.arguments = [f"--host={host}", f"--port={port}", f"--connections={most}",
                          f"--rate={rate}", "arrive"]
        self.errors = self.lost = 0
        self.first_error = ""

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, *self.arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self._read() == {"phase": "ready"}
        return self

    def __exit__(self, *_):
        try:
            self.process.communicate("\n\n", PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()

    def _read(self):
        return json.loads(self.process.stdout.readline())

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._read()

    def arrive(self, count):
        """How many of them were greeted."""
        result = self._ask(f"arrive {count}")
        self.errors, self.lost = result["errors"], result["lost"]
        self.first_error = result["first_error"]
        return result["count"]

    def close(self, ports):
        assert self._ask("close " + " ".join(map(str, ports))) == {"phase": "closed"}


def ports_of_workers(daemon, name):
    """[ports of the clients that each worker has at this server], in the order of slots."""
    pids = daemon.worker_pids()
    ports = client_ports(pids, daemon.address(name)[1])
    return [ports[pid] for pid in pids]


def shares(daemon, name):
    """How many that are."""
    return [len(ports) for ports in ports_of_workers(daemon, name)]
