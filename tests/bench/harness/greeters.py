# SPDX-License-Identifier: MIT
"""The servers of the cases about balance: each greets a client as soon as a worker has accepted
it, so that the time until then is seen from outside."""

import os
import pathlib
import shutil
import socket
import subprocess

from .peers import NodeCluster, Peer, Prongd
from .trouble import Missing

SHORT, LASTING = "short", "lasting"

# Nothing has a place of its own here, neither servers nor clients: workers that share one CPU take
# turns, and what they do to each other when they run at the same time would not be seen.
EVERY_CPU = os.sched_getaffinity(0)


class Greeter(Peer):
    """What the cases ask, beyond a peer."""

    def cpus(self):
        return EVERY_CPU

    def port(self, host, kind):
        """Where it greets and waits until the client closes (or closes itself, if SHORT)."""
        return self.ports[host]

    def accepted(self, greetings):
        """How many connections each worker accepted since the start; `greetings` is what the
        clients heard, {text: times}."""
        counts = list(greetings.values())
        return counts + [0] * (self.size - len(counts))


class ProngdGreets(Greeter, Prongd):
    accept = None

    CONFIGURATION = Prongd.CONFIGURATION.replace("handler = echo",
                                                 "handler = hello\naccept = {accept}")

    @classmethod
    def version(cls, bench):
        cls._check(bench)
        return super().version(bench)

    @classmethod
    def _check(cls, bench):
        file = pathlib.Path(bench.new_file("prongd.conf"))
        file.write_text(cls.CONFIGURATION.format(workers=1, control="/run/none",
                                                 listen="127.0.0.1:0", accept=cls.accept))
        done = subprocess.run([bench.prongd_program, "-t", "-c", file], capture_output=True)
        if done.returncode != 0:
            raise Missing(f"this prongd does not know accept = {cls.accept}")

    def configuration(self, **values):
        return super().configuration(accept=self.accept, **values)

    def accepted(self, greetings):
        return [worker["accepted"] for worker in self.status()["workers"]]


class Balanced(ProngdGreets):
    name = "prongd balanced"
    about = "the real daemon, handler hello; the gate decides"
    accept = "balanced"


class Shared(ProngdGreets):
    name = "prongd shared"
    about = "the same, and the kernel decides: each worker watches the shared handle with libev"
    accept = "shared"


class ReusePort(ProngdGreets):
    name = "prongd reuseport"
    about = "the same with a socket of its own for each worker"
    accept = "reuseport"


class NodeGreets(Greeter, NodeCluster):
    policy = None

    def environment(self):
        return {"BENCH_GREETS": "1", "NODE_CLUSTER_SCHED_POLICY": self.policy}


class NodeRoundRobin(NodeGreets):
    name = "node rr"
    about = "Node's cluster module, its default: the first process accepts and hands out in turn"
    policy = "rr"


class NodeNone(NodeGreets):
    name = "node none"
    about = "Node's cluster module, SCHED_NONE: the workers share the handle"
    policy = "none"


class Backend(Prongd):
    """Greets those whom nginx passes on."""

    name = "backend"
    CONFIGURATION = Prongd.CONFIGURATION.replace("handler = echo", "handler = hello")


class Nginx(Greeter):
    name = "nginx"
    about = "nginx's stream module: SHORT connections it greets itself, others it relays to a " \
            "backend that does (which costs CPU time of its own, not counted here)"
    listen = ""

    MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
    CONFIGURATION = """\
load_module {module};
daemon off;
pid {directory}/nginx.pid;
error_log stderr error;
worker_processes {workers};
worker_rlimit_nofile 65535;
events {{ worker_connections 60000; }}
stream {{
  proxy_timeout 1h;
{servers}}}
"""
    SERVER = "  server {{ listen {address} backlog=4096{listen}; {does}; }}\n"

    @classmethod
    def program(cls):
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None or not pathlib.Path(cls.MODULE).exists():
            raise Missing("nginx with its stream module is not installed (Debian: apt-get install "
                          "nginx-light libnginx-mod-stream)")
        return program

    @classmethod
    def version(cls, bench):
        out = subprocess.run([cls.program(), "-v"], check=True, capture_output=True,
                             text=True).stderr
        return out.strip().rpartition("/")[2]

    def __init__(self, bench, workers=None):
        super().__init__(bench, workers)
        self.backend = Backend(bench, 1)

    def port(self, host, kind):
        return self.ports[host, kind]

    def start(self):
        self.backend.start()
        super().start()

    def stop(self):
        super().stop()
        self.backend.stop()

    def arguments(self, hosts):
        self.ports = {(host, kind): free_port(host) for host in hosts for kind in (SHORT, LASTING)}
        return self.arguments_for(self.bench, self.size,
                                  (self._server(host, kind) for host, kind in self.ports))

    @classmethod
    def arguments_for(cls, bench, workers, servers):
        file = pathlib.Path(bench.new_file("nginx.conf"))
        file.write_text(cls.CONFIGURATION.format(module=cls.MODULE, directory=bench.scratch,
                                                 workers=workers, servers="".join(servers)))
        return [cls.program(), "-c", str(file)]

    def _server(self, host, kind):
        does = 'return "$pid"' if kind == SHORT else \
            f"proxy_pass {address_of(host, self.backend.ports[host])}"
        return self.SERVER.format(address=address_of(host, self.ports[host, kind]),
                                  listen=self.listen, does=does)

    def wait_until_ready(self, hosts):
        self.wait_until(self._all_wait_for_clients)

    def _all_wait_for_clients(self):
        workers = self.workers()
        return len(workers) == self.size and all(map(_watches_something, workers))


class NginxReusePort(Nginx):
    name = "nginx reuseport"
    about = "the same with a socket of its own for each worker"
    listen = " reuseport"


def address_of(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_port(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def _watches_something(pid):
    """Is there an epoll set in which several descriptors stand?"""
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            if info.read_text().count("\ntfd:") >= 4:
                return True
        except FileNotFoundError:
            continue
    return False


ALL = (Balanced, Shared, ReusePort, NodeRoundRobin, NodeNone, Nginx, NginxReusePort)
