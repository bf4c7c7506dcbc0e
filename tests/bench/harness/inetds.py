# SPDX-License-Identifier: MIT
"""The servers of the case exec: each starts a program for every connection."""

import shutil
import socket
import subprocess

from . import processes
from .greeters import free_port
from .peers import START_SECONDS, Peer, Prongd
from .trouble import Missing

PROGRAM = "/bin/echo", "hello"
AT_MOST = 1000  # programs at the same time: more than there are clients


class ProngdExec(Prongd):
    name = "prongd exec"
    about = "the real daemon, handler exec: a keeper starts the programs"

    CONFIGURATION = Prongd.CONFIGURATION.replace(
        "handler = echo", f"handler = exec\nexec = {' '.join(PROGRAM)}\nmax_processes = {AT_MOST}")


class Tcpserver(Peer):
    name = "tcpserver"
    about = "Debian's ucspi-tcp-ipv6: one process accepts and forks"

    @classmethod
    def version(cls, bench):
        if shutil.which("tcpserver") is None:
            raise Missing("tcpserver is not installed (Debian: apt-get install ucspi-tcp-ipv6)")
        return subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}",
                               "ucspi-tcp-ipv6"], check=True, capture_output=True,
                              text=True).stdout

    def arguments(self, hosts):
        """One listens at one address: a shell starts one for each."""
        self.ports = {host: free_port(host) for host in hosts}
        each = " ".join(f"tcpserver -H -R -l0 -b 4096 -c {AT_MOST} {host} {port} "
                        f"{' '.join(PROGRAM)} &" for host, port in self.ports.items())
        return ["/bin/sh", "-c", f"trap 'kill $(jobs -p)' TERM; {each} wait; wait"]

    def wait_until_ready(self, hosts):
        self.wait_until(lambda: all(map(_answers, self.ports.items())))

    def workers(self):
        return processes.children(self.child.pid)


def _answers(address):
    try:
        with socket.create_connection(address, timeout=START_SECONDS) as client:
            return client.recv(1) != b""
    except OSError:
        return False


ALL = (ProngdExec, Tcpserver)
