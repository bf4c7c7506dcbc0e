# SPDX-License-Identifier: MIT
"""The servers that take turns.  A peer is a class; a case names the classes that it compares."""

import json
import pathlib
import shutil
import subprocess
import time

from . import build, processes
from .child import Child
from .trouble import Missing

START_SECONDS = 30


class Peer:
    """A server that echoes, started with `workers` workers on a free port of each host."""

    name = None   # in tables and --peers
    about = None  # one line for the head of the report

    def __init__(self, bench, workers=None):
        self.bench = bench
        self.size = workers or bench.workers
        self.child = None
        self.ports = {}

    @classmethod
    def version(cls, bench):
        """Shown behind the name.  Raises Missing when this machine does not have the peer."""
        return ""

    def arguments(self, hosts):
        raise NotImplementedError

    def cpus(self):
        """Where it may run."""
        return self.bench.server_cpus

    def environment(self):
        """Variables that are set for it."""
        return {}

    def wait_until_ready(self, hosts):
        """Fills self.ports, when every worker is ready."""
        self.ports = self.child.read_json(START_SECONDS)

    def wait_until(self, is_ready):
        """Asks again and again, while it starts."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.child.process.poll() is not None or time.monotonic() > deadline:
                raise self.child.trouble("does not start")
            time.sleep(0.02)

    def cpu_ns_of(self, one):
        """(CPU time, what the load says) of what follows the load's warm-up."""
        one.reach("ready")
        before = self.cpu_ns()
        one.go()
        result = one.result()
        return self.cpu_ns() - before, result

    def workers(self):
        """The processes that have the connections."""
        return processes.children(self.child.pid)

    def start(self):
        hosts = [host for _, host in self.bench.families]
        self.child = Child(self.arguments(hosts), self.cpus(),
                           self.bench.new_file(f"{self.name.replace(' ', '-')}.err"),
                           self.environment())
        self.wait_until_ready(hosts)

    def stop(self):
        if self.child is not None:
            self.child.stop()

    def cpu_ns(self):
        return processes.cpu_ns(self.child.pid)

    def private_bytes(self):
        """Of each worker, at rest."""
        return processes.settled_private_bytes(self.workers())

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()


class Floor(Peer):
    name = "floor"
    about = "bare prefork epoll echo server (floor.c): the least that can be done"

    def arguments(self, hosts):
        return [str(self.bench.floor_program), str(self.size), *hosts]


class SecondFloor(Floor):
    name = "floor again"
    about = "the same program once more: how far it is from the floor is the noise of this run"


class NodeCluster(Peer):
    name = "node cluster"
    about = "Node's cluster module (node_cluster.js), default policy"

    @classmethod
    def version(cls, bench):
        node = cls.program()
        return subprocess.run([node, "--version"], check=True, capture_output=True,
                              text=True).stdout.strip()

    @staticmethod
    def program():
        node = shutil.which("node") or shutil.which("nodejs")
        if node is None:
            raise Missing("node is not installed (Debian: apt-get install nodejs)")
        return node

    def arguments(self, hosts):
        script = self.bench.directory / "node_cluster.js"
        return [self.program(), str(script), str(self.size), *hosts]


class Prongd(Peer):
    name = "prongd"
    about = "the real daemon, handler echo"

    CONFIGURATION = """\
[prongd]
workers = {workers}
control_socket = {control}
log_level = warning
log_target = stderr

[server bench]
listen = {listen}
handler = echo
"""

    @classmethod
    def version(cls, bench):
        for program in (bench.prongd_program, bench.prongctl_program):
            build.check(program)
        out = subprocess.run([bench.prongd_program, "-V"], check=True, capture_output=True,
                             text=True).stdout
        return out.splitlines()[0].rpartition(" ")[2]

    def arguments(self, hosts):
        self.control = self.bench.new_file("control.sock")
        listen = [f"[{host}]:0" if ":" in host else f"{host}:0" for host in hosts]
        file = pathlib.Path(self.bench.new_file("prongd.conf"))
        file.write_text(self.configuration(
            workers=self.size, control=self.control, listen=", ".join(listen)))
        return [str(self.bench.prongd_program), "-c", str(file)]

    def configuration(self, **values):
        return self.CONFIGURATION.format(**values)

    def status(self):
        """What `prongctl status --json` says; None while nobody answers."""
        done = subprocess.run([self.bench.prongctl_program, "-s", self.control, "status", "--json"],
                              capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_until_ready(self, hosts):
        self.wait_until(lambda: self._is_ready(self.status()))
        addresses = self.status()["servers"][0]["addresses"]
        pairs = [address.rsplit(":", 1) for address in addresses]
        self.ports = {host.strip("[]"): int(port) for host, port in pairs}

    def _is_ready(self, status):
        if status is None:
            return False
        ready = [worker for worker in status["workers"] if worker["state"] == "ready"]
        return len(ready) == self.size

    def workers(self):
        return [worker["pid"] for worker in self.status()["workers"]]


class LoggedProngd(Prongd):
    name = "prongd access_log"
    about = "the same with an access log: a line of text for each connection, in a file"

    CONFIGURATION = Prongd.CONFIGURATION + """\
access_log = {access_log}
access_format = text
"""

    def configuration(self, **values):
        return super().configuration(access_log=self.bench.new_file("access.log"), **values)


ALL = (Prongd, Floor, SecondFloor, NodeCluster)
