# SPDX-License-Identifier: MIT
"""Relays beside each other: each with one worker, in front of the same kind of server, whose CPU
time is not counted."""

import pathlib
import socket

from .greeters import Nginx, address_of, free_port
from .peers import Peer, Prongd
from .reloaders import HaproxyReloads

ECHO, DISCARD = "echo", "discard"
KINDS = (ECHO, DISCARD)


class Backend(Prongd):
    """Echoes, or discards."""

    name = "backend"

    CONFIGURATION = """\
[prongd]
workers = {workers}
control_socket = {control}
log_level = warning
log_target = stderr

[server echo]
listen = {listen}
handler = echo

[server discard]
listen = {listen}
handler = discard
"""

    def cpus(self):
        return self.bench.client_cpus

    def port(self, kind):
        server = next(one for one in self.status()["servers"] if one["name"] == kind)
        return int(server["addresses"][0].rpartition(":")[2])


class Relay(Peer):
    """`port(kind)` is relayed to that kind of server."""

    def __init__(self, bench):
        super().__init__(bench, 1)
        self.backend = Backend(bench, 1)
        self.host = bench.families[0][1]

    def port(self, kind):
        return self.ports[kind]

    def pairs(self):
        """[(address it listens on, address it relays to)]"""
        return [(address_of(self.host, self.ports[kind]),
                 address_of(self.host, self.backend.port(kind))) for kind in KINDS]

    def start(self):
        self.backend.start()
        self.ports = {kind: free_port(self.host) for kind in KINDS}
        super().start()

    def stop(self):
        super().stop()
        self.backend.stop()

    def wait_until_ready(self, hosts):
        self.wait_until(self._echoes)

    def _echoes(self):
        try:
            with socket.create_connection((self.host, self.ports[ECHO]), timeout=1) as client:
                client.sendall(b"?")
                return client.recv(1) == b"?"
        except OSError:
            return False


class ProngdRelays(Relay):
    name = "prongd"
    about = "the real daemon, handler proxy"

    CONFIGURATION = """\
[prongd]
workers = 1
control_socket = {control}
log_level = warning
log_target = stderr

{servers}"""
    SERVER = "[server s{number}]\nlisten = {address}\nhandler = proxy\nupstream = {backend}\n\n"

    @classmethod
    def version(cls, bench):
        return Prongd.version(bench)

    def arguments(self, hosts):
        servers = "".join(self.SERVER.format(number=i, address=address, backend=backend)
                          for i, (address, backend) in enumerate(self.pairs()))
        file = pathlib.Path(self.bench.new_file("prongd.conf"))
        file.write_text(self.CONFIGURATION.format(control=self.bench.new_file("control.sock"),
                                                  servers=servers))
        return [str(self.bench.prongd_program), "-c", str(file)]


class HaproxySplices(Relay):
    name = "haproxy splice"
    about = "HAProxy in TCP mode, splice-request, splice-response, tune.pipesize 1 MiB, 1 thread"

    CONFIGURATION = """\
global
  nbthread 1
  tune.pipesize 1048576
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
{options}{servers}"""
    OPTIONS = "  option splice-request\n  option splice-response\n"

    @classmethod
    def version(cls, bench):
        return HaproxyReloads.version(bench)

    def arguments(self, hosts):
        servers = "".join(
            HaproxyReloads.SERVER.format(number=i, address=address, backend=backend)
            for i, (address, backend) in enumerate(self.pairs()))
        file = pathlib.Path(self.bench.new_file("haproxy.cfg"))
        file.write_text(self.CONFIGURATION.format(options=self.OPTIONS, servers=servers))
        return [HaproxyReloads.program(), "-db", "-f", str(file)]

    def workers(self):
        return [self.child.pid]


class Haproxy(HaproxySplices):
    name = "haproxy"
    about = "the same without splicing"
    OPTIONS = ""


class NginxRelays(Relay):
    name = "nginx"
    about = "nginx's stream module, proxy_buffer_size 16k (the default), 1 worker"
    buffer = "16k"

    SERVER = "  server {{ listen {address} backlog=4096; proxy_pass {backend}; " \
             "proxy_buffer_size {buffer}; }}\n"

    @classmethod
    def version(cls, bench):
        return Nginx.version(bench)

    def arguments(self, hosts):
        return Nginx.arguments_for(
            self.bench, self.size,
            (self.SERVER.format(address=address, backend=backend, buffer=self.buffer)
             for address, backend in self.pairs()))


class NginxBig(NginxRelays):
    name = "nginx 64k"
    about = "the same, proxy_buffer_size 64k"
    buffer = "64k"


ALL = (ProngdRelays, HaproxySplices, Haproxy, NginxRelays, NginxBig)
