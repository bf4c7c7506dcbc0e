# SPDX-License-Identifier: MIT
"""The servers of the case about reloads: each reloads in the way that its manual recommends."""

import json
import math
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

from . import processes
from .greeters import EVERY_CPU, Nginx, address_of, free_port
from .peers import START_SECONDS, NodeCluster, Peer, Prongd
from .trouble import Missing, Trouble


class Reloader(Peer):
    """What the case asks, beyond a peer."""

    moves = False  # whether connections go to the new workers

    def cpus(self):
        return EVERY_CPU

    def most(self):
        """Connections that it has descriptors for."""
        return math.inf

    def reload(self):
        """Returns when the new workers serve: {"moved": connections that are theirs now, "moving_s":
        how long that took}."""
        raise NotImplementedError

    def wait_for_workers(self, before):
        """Until as many as there should be are there that are not `before`."""
        deadline = time.monotonic() + START_SECONDS
        while len(set(self.workers()) - set(before)) < self.size:
            if time.monotonic() > deadline:
                raise self.child.trouble("its new workers do not come")
            time.sleep(0.01)
        return {"moved": 0, "moving_s": 0}


class ProngdReloads(Reloader, Prongd):
    name = "prongd"
    about = "the real daemon, handler echo; prongctl reload returns when the old workers are gone"
    moves = True

    def reload(self):
        done = subprocess.run([self.bench.prongctl_program, "-s", self.control, "--json", "reload"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"prongctl reload: {done.stderr}")
        answer = json.loads(done.stdout)
        return {"moved": answer["moved"], "moving_s": answer["seconds"]}


class NodeReloads(Reloader, NodeCluster):
    name = "node cluster"
    about = "Node's cluster module; new workers, then disconnect() for the old ones"

    def reload(self):
        before = self.workers()
        self.child.process.send_signal(signal.SIGHUP)
        return self.wait_for_workers(before)


class Relay(Reloader):
    """In front of an echo server of its own, whose CPU time is not counted."""

    def __init__(self, bench, workers=None):
        super().__init__(bench, workers)
        self.backend = EchoBackend(bench, 1)

    def start(self):
        self.backend.start()
        hosts = [host for _, host in self.bench.families]
        self.ports = {host: free_port(host) for host in hosts}
        super().start()

    def stop(self):
        super().stop()
        self.backend.stop()

    def wait_until_ready(self, hosts):
        self.wait_until(lambda: len(self.workers()) >= self.size and all(map(self._echoes, hosts)))

    def _echoes(self, host):
        """Through the relay and back."""
        try:
            with socket.create_connection((host, self.ports[host]), timeout=1) as client:
                client.sendall(b"?")
                return client.recv(1) == b"?"
        except OSError:
            return False


class EchoBackend(Prongd):
    name = "backend"

    def cpus(self):
        return EVERY_CPU


class NginxReloads(Relay):
    name = "nginx stream"
    about = "nginx's stream module, relays to an echo server; SIGHUP"

    SERVER = "  server {{ listen {address} backlog=4096; proxy_pass {backend}; }}\n"

    @classmethod
    def version(cls, bench):
        return Nginx.version(bench)

    def arguments(self, hosts):
        return Nginx.arguments_for(
            self.bench, self.size,
            (self.SERVER.format(address=address_of(host, self.ports[host]),
                                backend=address_of(host, self.backend.ports[host]))
             for host in hosts))

    def reload(self):
        before = self.workers()
        self.child.process.send_signal(signal.SIGHUP)
        return self.wait_for_workers(before)


class HaproxyReloads(Relay):
    name = "haproxy"
    about = "HAProxy in TCP mode, relays to an echo server; master-worker, SIGUSR2"

    CONFIGURATION = """\
global
  nbthread {workers}
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
{servers}"""
    SERVER = "listen s{number}\n  bind {address} backlog 4096\n  server backend {backend}\n"

    @classmethod
    def version(cls, bench):
        program = cls.program()
        text = subprocess.run([program, "-v"], check=True, capture_output=True, text=True).stdout
        return text.split()[2].partition("-")[0]

    @staticmethod
    def program():
        program = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None:
            raise Missing("HAProxy is not installed (Debian: apt-get install haproxy)")
        return program

    def __init__(self, bench, workers=None):
        super().__init__(bench, workers)
        self.threads, self.size = self.size, 1  # one process with threads

    def most(self):
        return (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500) // 2  # one process has all

    def arguments(self, hosts):
        servers = "".join(
            self.SERVER.format(number=i, address=address_of(host, self.ports[host]),
                               backend=address_of(host, self.backend.ports[host]))
            for i, host in enumerate(hosts))
        file = pathlib.Path(self.bench.new_file("haproxy.cfg"))
        file.write_text(self.CONFIGURATION.format(workers=self.threads, servers=servers))
        return [self.program(), "-W", "-db", "-f", str(file)]

    def reload(self):
        before = self.workers()
        self.child.process.send_signal(signal.SIGUSR2)
        return self.wait_for_workers(before)


def old_memory(pids):
    """Private memory of those that are alive still."""
    found = 0
    for pid in pids:
        try:
            found += processes.private_bytes(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


ALL = (ProngdReloads, NginxReloads, HaproxyReloads, NodeReloads)
